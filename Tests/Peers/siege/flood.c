// A flood of datagrams with forged senders, as fast as one core can write them or at a rate.
//
//   flood SERVER PORT DOMAIN KIND SOURCE SECONDS RATE
//
// KIND: "register", "invite", "others" (every other method, one after the other, and responses), or "noise". SOURCE: "anywhere", an
// address, or a network as ADDRESS/BITS; ports are made up in any case. RATE is datagrams a second, 0 for as many as go. Users, tags,
// Call-IDs and branches differ in each. Needs the right to send raw packets; it is over after SECONDS and prints what it sent as JSON.
#include "net.h"

#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stddef.h>

#define MESSAGES 64
#define MARKS 16

// What follows the start line; eight at signs become a made-up word, four hash signs a made-up number.
#define FIELDS(METHOD)                                                                                                          \
  "Via: SIP/2.0/UDP 192.0.2.9:5060;rport;branch=z9hG4bK@@@@@@@@\r\nFrom: <sip:1###@DOMAIN>;tag=@@@@@@@@\r\n"                    \
  "Call-ID: @@@@@@@@@@@@@@@@\r\nCSeq: 1 " METHOD "\r\nMax-Forwards: 70\r\nUser-Agent: @@@@@@@@\r\n"
#define CONTACT "Contact: <sip:1###@192.0.2.9:5060>\r\n"
#define NEW "To: <sip:1###@DOMAIN>\r\n"
#define WITHIN "To: <sip:1###@DOMAIN>;tag=@@@@@@@@\r\n"
#define EMPTY "Content-Length: 0\r\n\r\n"
#define REQUEST(METHOD, MORE) METHOD " sip:1###@DOMAIN SIP/2.0\r\n" FIELDS(METHOD) MORE
#define DESCRIPTION                                                                                                             \
  "Content-Type: application/sdp\r\nContent-Length: 111\r\n\r\nv=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\n" \
  "t=0 0\r\nm=audio 4000 RTP/AVP 8 0\r\na=rtpmap:8 PCMA/8000\r\n"

static const char *registers[] = {REQUEST("REGISTER", NEW CONTACT "Expires: 3600\r\n" EMPTY), NULL};
static const char *invites[] = {REQUEST("INVITE", NEW CONTACT DESCRIPTION), NULL};
static const char *others[] = {
    REQUEST("SUBSCRIBE", NEW CONTACT "Event: presence\r\nExpires: 600\r\n" EMPTY),
    REQUEST("NOTIFY", WITHIN CONTACT "Event: presence\r\nSubscription-State: active\r\n" EMPTY),
    REQUEST("MESSAGE", NEW "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"),
    REQUEST("PUBLISH", NEW "Event: presence\r\nExpires: 600\r\n" EMPTY),
    REQUEST("INFO", WITHIN EMPTY),
    REQUEST("PRACK", WITHIN "RAck: 1 1 INVITE\r\n" EMPTY),
    REQUEST("CANCEL", NEW EMPTY),
    REQUEST("ACK", WITHIN EMPTY),
    REQUEST("BYE", WITHIN EMPTY),
    REQUEST("OPTIONS", NEW EMPTY),
    REQUEST("REFER", NEW CONTACT "Refer-To: <sip:1###@DOMAIN>\r\n" EMPTY),
    REQUEST("UPDATE", WITHIN CONTACT EMPTY),
    REQUEST("FROBNICATE", NEW EMPTY),
    "SIP/2.0 200 OK\r\n" FIELDS("INVITE") WITHIN CONTACT EMPTY,
    "SIP/2.0 401 Unauthorized\r\n" FIELDS("REGISTER") WITHIN EMPTY,
    NULL};
static const char *noise[] = {
    "@@@@@@@@", "INVITE @@@@@@@@\r\n\r\n", "REGISTER sip:DOMAIN SIP/2.0\r\nVia: @@@@@@@@\r\n\r\n", "\r\n\r\n",
    "INVITE sip:1###@DOMAIN SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK@@@@@@@@\r\nContent-Length: 4294967296\r\n\r\n",
    NULL};

static const struct { const char *name; const char **texts; } kinds[] = {
    {"register", registers}, {"invite", invites}, {"others", others}, {"noise", noise}};

typedef struct {
  char bytes[BYTES];
  size_t length, head;  // head: of the headers of IP and UDP
  char *words[MARKS], *numbers[MARKS];
  int word_count, number_count;
} Packet;

static Packet packets[MESSAGES];
static bool is_v6;
static uint8_t network[16];
static int network_bits;

static uint64_t random_word(void) {  // xorshift64*
  static uint64_t state = 0x9E3779B97F4A7C15;
  state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
  return state * 0x2545F4914F6CDD1D;
}

static uint16_t checksum(const Packet *packet) {
  // Of the addresses, which stand right before the UDP header, of that and of what it carries.
  size_t udp_size = packet->length - sizeof(struct ip6_hdr);
  uint64_t sum = htons((uint16_t)udp_size) + htons(IPPROTO_UDP);
  for (size_t place = 8; place + 1 < packet->length; place += 2) {
    uint16_t word;
    memcpy(&word, packet->bytes + place, 2);
    sum += word;
  }
  if (packet->length & 1) sum += htons((uint16_t)((uint8_t)packet->bytes[packet->length - 1] << 8));
  while (sum >> 16) sum = (sum & 0xFFFF) + (sum >> 16);
  return (uint16_t)~sum == 0 ? 0xFFFF : (uint16_t)~sum;
}

// A packet whose words, numbers and sender are yet to be made up.
static void prepare(Packet *packet, const char *text, const char *domain, const Endpoint *server) {
  packet->head = (is_v6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr)) + sizeof(struct udphdr);
  char *out = packet->bytes + packet->head;
  while (*text && out < packet->bytes + BYTES - 80) {
    if (strncmp(text, "DOMAIN", 6) == 0) {
      out += sprintf(out, "%s", domain);
      text += 6;
    } else if (strncmp(text, "@@@@@@@@", 8) == 0 && packet->word_count < MARKS) {
      packet->words[packet->word_count++] = out;
      out += 8, text += 8;
    } else if (strncmp(text, "###", 3) == 0 && packet->number_count < MARKS) {
      packet->numbers[packet->number_count++] = out;
      out += 3, text += 3;
    } else {
      *out++ = *text++;
    }
  }
  packet->length = (size_t)(out - packet->bytes);
  uint16_t udp_size = (uint16_t)(packet->length - packet->head + sizeof(struct udphdr));
  struct udphdr *udp = (struct udphdr *)(packet->bytes + packet->head - sizeof *udp);
  udp->dest = server->v4.sin_port;
  udp->len = htons(udp_size);
  if (is_v6) {
    struct ip6_hdr *head = (struct ip6_hdr *)packet->bytes;
    head->ip6_flow = htonl(6u << 28), head->ip6_plen = htons(udp_size), head->ip6_nxt = IPPROTO_UDP, head->ip6_hlim = 64;
    head->ip6_dst = server->v6.sin6_addr;
  } else {
    struct iphdr *head = (struct iphdr *)packet->bytes;
    head->version = 4, head->ihl = 5, head->ttl = 64, head->protocol = IPPROTO_UDP, head->daddr = server->v4.sin_addr.s_addr;
    head->tot_len = htons((uint16_t)packet->length);
  }
}

// An address of the network that was named.
static void make_up_address(uint8_t *address) {
  int size = is_v6 ? 16 : 4;
  uint64_t dice[2] = {random_word(), random_word()};
  for (int place = 0; place < size; place++) {
    int kept = network_bits - 8 * place;
    uint8_t mask = kept >= 8 ? 0xFF : kept <= 0 ? 0 : (uint8_t)(0xFF << (8 - kept));
    address[place] = (uint8_t)((network[place] & mask) | (((uint8_t *)dice)[place] & ~mask));
  }
  if (network_bits > 0) return;
  // Anywhere: what the internet has, and neither this machine nor the networks that tests live in.
  if (is_v6) address[0] = 0x20 | (address[0] & 0x1F);
  else while (address[0] == 0 || address[0] == 10 || address[0] == 127 || address[0] >= 224) address[0] = (uint8_t)random_word();
}

static void make_up(Packet *packet) {
  static const char digits[] = "0123456789abcdef";
  for (int place = 0; place < packet->word_count; place++) {
    uint64_t dice = random_word();
    for (int digit = 0; digit < 8; digit++, dice >>= 4) packet->words[place][digit] = digits[dice & 15];
  }
  for (int place = 0; place < packet->number_count; place++) {
    uint64_t dice = random_word();
    for (int digit = 0; digit < 3; digit++, dice >>= 8) packet->numbers[place][digit] = (char)('0' + (dice & 0xFF) % 10);
  }
  make_up_address((uint8_t *)packet->bytes + (is_v6 ? offsetof(struct ip6_hdr, ip6_src) : offsetof(struct iphdr, saddr)));
  struct udphdr *udp = (struct udphdr *)(packet->bytes + packet->head - sizeof *udp);
  udp->source = htons((uint16_t)(1024 + random_word() % 64000));
  udp->check = 0;  // Over IPv4 a datagram need not have one (RFC 768).
  if (is_v6) udp->check = checksum(packet);
}

static void read_network(const char *text) {
  char host[64];
  int bits = is_v6 ? 128 : 32;
  if (strcmp(text, "anywhere") == 0) return;
  if (sscanf(text, "%63[^/]/%d", host, &bits) < 1 || inet_pton(is_v6 ? AF_INET6 : AF_INET, host, network) != 1) exit(2);
  network_bits = bits;
}

static int raw_socket(void) {
  int one = 1, size = 4 << 20;
  int descriptor = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_RAW, IPPROTO_RAW);
  if (descriptor < 0) die("socket");
  setsockopt(descriptor, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP, is_v6 ? IPV6_HDRINCL : IP_HDRINCL, &one, sizeof one);
  setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
  return descriptor;
}

int main(int count, char **words) {
  const char **texts = NULL;
  for (size_t kind = 0; count == 8 && kind < sizeof kinds / sizeof *kinds; kind++)
    if (strcmp(words[4], kinds[kind].name) == 0) texts = kinds[kind].texts;
  if (!texts) {
    fprintf(stderr, "usage: flood SERVER PORT DOMAIN register|invite|others|noise SOURCE SECONDS RATE\n");
    return 2;
  }
  Endpoint server = endpoint(words[1], atoi(words[2]));
  is_v6 = server.any.sa_family == AF_INET6;
  read_network(words[5]);
  double length = atof(words[6]), rate = atof(words[7]);
  Endpoint to = server;
  to.v4.sin_port = 0;  // Raw sockets have none.
  struct mmsghdr headers[MESSAGES] = {0};
  struct iovec vectors[MESSAGES];
  for (int index = 0, text = 0; index < MESSAGES; index++, text++) {
    if (!texts[text]) text = 0;
    prepare(&packets[index], texts[text], words[3], &server);
    vectors[index] = (struct iovec){packets[index].bytes, packets[index].length};
    headers[index].msg_hdr = (struct msghdr){.msg_name = &to, .msg_namelen = size_of(&to), .msg_iov = &vectors[index], .msg_iovlen = 1};
  }
  int descriptor = raw_socket();
  double begun = seconds(), now = begun;
  long sent = 0, refused = 0;
  while ((now = seconds()) - begun < length) {
    if (rate > 0 && (double)sent > (now - begun) * rate) {
      usleep(500);
      continue;
    }
    for (int index = 0; index < MESSAGES; index++) make_up(&packets[index]);
    for (int done = 0; done < MESSAGES;) {
      int took = sendmmsg(descriptor, headers + done, (unsigned)(MESSAGES - done), 0);
      if (took < 0 && errno == EPERM) die("sendmmsg");
      sent += took > 0 ? took : 0;
      refused += took < 0;
      done += took > 0 ? took : 1;
    }
  }
  printf("{\"sent\": %ld, \"refused\": %ld, \"seconds\": %.2f}\n", sent, refused, now - begun);
  return 0;
}
