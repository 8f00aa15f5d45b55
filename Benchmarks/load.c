// The load of the benchmarks: phones and a carrier on one core, sending in batches, always WINDOW operations under way.
//
//   load register SERVER LOCAL USERS OPERATIONS WINDOW
//   load call     SERVER LOCAL USERS OPERATIONS WINDOW [emergency]
//   load hold     SERVER LOCAL USERS CALLS [srtp SUITE]   sets calls up, says "held", then obeys its standard input:
//                                                          "rtp PACKETS WINDOW", "end"
//   load media    SERVER LOCAL USERS CALLS                 the same without calls, for a relay that has a stream of each side
//                                                          on SERVER's port and those above, in turn
//
// SERVER and LOCAL are ADDRESS:PORT; the carrier listens on LOCAL's port + 1, media on + 2 and + 4. Users are 1000 and up with the
// password bench-NUMBER-secret in the domain bench.example; they call +44207…, or with "emergency", one at a time, 112. In a call of
// "call" each side says one packet, and the phone hangs up when both have arrived. Both sides repeat what has no answer, as
// RFC 3261 §17 asks, and their packet; a phone keeps the Call-ID of its registrations (§10.2.4). It prints one JSON object per job: operations, failures, messages repeated,
// seconds it took, and of calls how long the server held the INVITE: from the phone's with its digest to the carrier's, at the
// median and the 99th percentile. Everything is bounded: WINDOW, OPERATIONS, and ten seconds without an answer end it.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <srtp2/srtp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DOMAIN "bench.example"
#define BATCH 64
#define BYTES 2048

// ---------------------------------------------------------------------------------------------------------------- sockets

typedef struct {
  int descriptor;
  int queued;
  struct mmsghdr out[BATCH];
  struct iovec out_vector[BATCH];
  struct sockaddr_in out_address[BATCH];
  char out_bytes[BATCH][BYTES];
  struct mmsghdr in[BATCH];
  struct iovec in_vector[BATCH];
  struct sockaddr_in in_address[BATCH];
  char in_bytes[BATCH][BYTES];
} Port;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static Port *open_port(struct sockaddr_in address) {
  Port *port = calloc(1, sizeof *port);
  int size = 8 << 20;
  port->descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  setsockopt(port->descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  setsockopt(port->descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (bind(port->descriptor, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
  for (int index = 0; index < BATCH; index++) {
    port->out_vector[index].iov_base = port->out_bytes[index];
    port->out[index].msg_hdr =
        (struct msghdr){.msg_name = &port->out_address[index], .msg_namelen = sizeof(struct sockaddr_in),
                        .msg_iov = &port->out_vector[index], .msg_iovlen = 1};
    port->in_vector[index] = (struct iovec){port->in_bytes[index], BYTES - 1};
    port->in[index].msg_hdr = (struct msghdr){.msg_name = &port->in_address[index],
                                              .msg_iov = &port->in_vector[index], .msg_iovlen = 1};
  }
  return port;
}

static void flush_port(Port *port) {
  int sent = 0;
  while (sent < port->queued) {
    int count = sendmmsg(port->descriptor, port->out + sent, port->queued - sent, 0);
    if (count < 0 && errno != EAGAIN && errno != ECONNREFUSED) die("sendmmsg");
    if (count < 0) count = 0;
    if (count == 0) {
      struct pollfd wait = {port->descriptor, POLLOUT, 0};
      poll(&wait, 1, 10);
    }
    sent += count;
  }
  port->queued = 0;
}

static char *room(Port *port, struct sockaddr_in to) {
  if (port->queued == BATCH) flush_port(port);
  port->out_address[port->queued] = to;
  return port->out_bytes[port->queued];
}

static void queue(Port *port, size_t length) {
  port->out_vector[port->queued].iov_len = length;
  port->queued++;
}

static int receive(Port *port) {
  for (int index = 0; index < BATCH; index++) port->in[index].msg_hdr.msg_namelen = sizeof(struct sockaddr_in);
  int count = recvmmsg(port->descriptor, port->in, BATCH, 0, NULL);
  for (int index = 0; index < count; index++) port->in_bytes[index][port->in[index].msg_len] = 0;
  return count < 0 ? 0 : count;
}

static struct sockaddr_in parse_address(const char *text) {
  char host[64];
  int port;
  struct sockaddr_in address = {.sin_family = AF_INET};
  if (sscanf(text, "%63[^:]:%d", host, &port) != 2 || inet_pton(AF_INET, host, &address.sin_addr) != 1) {
    fprintf(stderr, "%s is not ADDRESS:PORT\n", text);
    exit(2);
  }
  address.sin_port = htons(port);
  return address;
}

// -------------------------------------------------------------------------------------------------------------- messages

// Copies the value of a header line, or gives an empty one; `name` ends with a colon.
static bool header(const char *message, const char *name, char *value, size_t size) {
  const char *end = strstr(message, "\r\n\r\n");
  size_t length = strlen(name);
  for (const char *line = strstr(message, "\r\n"); line && line < end; line = strstr(line + 2, "\r\n")) {
    if (strncasecmp(line + 2, name, length) != 0) continue;
    const char *start = line + 2 + length;
    while (*start == ' ') start++;
    size_t count = strcspn(start, "\r\n");
    if (count >= size) count = size - 1;
    memcpy(value, start, count);
    value[count] = 0;
    return true;
  }
  value[0] = 0;
  return false;
}

// Appends every line of a header as it stands.
static size_t copy_lines(const char *message, const char *name, char *out) {
  const char *end = strstr(message, "\r\n\r\n");
  size_t length = strlen(name), written = 0;
  for (const char *line = strstr(message, "\r\n"); line && line < end; line = strstr(line + 2, "\r\n")) {
    if (strncasecmp(line + 2, name, length) != 0) continue;
    size_t count = strcspn(line + 2, "\r\n");
    memcpy(out + written, line + 2, count);
    memcpy(out + written + count, "\r\n", 2);
    written += count + 2;
  }
  return written;
}

static void hexadecimal(const char *text, char out[33]) {
  unsigned char digest[16];
  static EVP_MD *md5;
  static EVP_MD_CTX *context;
  if (!md5) {
    md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    context = EVP_MD_CTX_new();
  }
  EVP_DigestInit_ex(context, md5, NULL);
  EVP_DigestUpdate(context, text, strlen(text));
  EVP_DigestFinal_ex(context, digest, NULL);
  for (int index = 0; index < 16; index++) {
    out[2 * index] = "0123456789abcdef"[digest[index] >> 4];
    out[2 * index + 1] = "0123456789abcdef"[digest[index] & 15];
  }
  out[32] = 0;
}

// The answer to the MD5 challenge of a 401 or 407 (RFC 7616 with qop=auth); `ha1` is the user's.
static size_t credentials(const char *message, const char *name, const char *answer_name, int user, const char *ha1,
                          const char *method, const char *uri, char *out) {
  const char *end = strstr(message, "\r\n\r\n");
  size_t length = strlen(name);
  for (const char *line = strstr(message, "\r\n"); line && line < end; line = strstr(line + 2, "\r\n")) {
    if (strncasecmp(line + 2, name, length) != 0) continue;
    char value[512], nonce[256] = "";
    size_t count = strcspn(line + 2, "\r\n");
    if (count >= sizeof value) continue;
    memcpy(value, line + 2, count);
    value[count] = 0;
    const char *algorithm = strstr(value, "algorithm=");
    if (algorithm && strncmp(algorithm + 10, "MD5", 3) != 0) continue;
    const char *start = strstr(value, "nonce=\"");
    if (!start) continue;
    sscanf(start + 7, "%255[^\"]", nonce);
    char text[1024], ha2[33], response[33];
    snprintf(text, sizeof text, "%s:%s", method, uri);
    hexadecimal(text, ha2);
    snprintf(text, sizeof text, "%s:%s:00000001:b3nc4:auth:%s", ha1, nonce, ha2);
    hexadecimal(text, response);
    return sprintf(out,
                   "%s: Digest username=\"%d\", realm=\"" DOMAIN "\", nonce=\"%s\", uri=\"%s\", response=\"%s\", "
                   "algorithm=MD5, cnonce=\"b3nc4\", nc=00000001, qop=auth\r\n",
                   answer_name, user, nonce, uri, response);
  }
  return 0;
}

// ------------------------------------------------------------------------------------------------------------- operations

enum { IDLE, FIRST, SECOND, TALKING, ENDING };

// A message that is sent again until it has its answer: after half a second, then in doubled pauses of four seconds at most.
typedef struct {
  char bytes[BYTES];
  size_t length;  // zero: nothing waits
  struct sockaddr_in to;
  double at, pause;
} Repeated;

typedef struct {
  int state, user, turn;
  int sequence;  // of this user's registrations
  double invited;  // when the INVITE with its digest left
  char route[512], target[256], to[256];
  struct sockaddr_in caller_media, carrier_media;  // where the server wants each side's packets
  char keys[128];
  Repeated request, answer;  // the phone's, and the carrier's 200 of an INVITE
  Repeated words[2];         // the one packet of the phone, and of the carrier
  bool heard[2];             // whether they have come to the phone, and to the carrier
} Operation;

static struct sockaddr_in server, phone_address, carrier_address;
static Port *phones, *carrier;
static Port *media[2];  // the phone's and the carrier's
static Operation *operations;
static char (*secrets)[33];
static int users, window;
static long started, finished, failed, wanted, repeated;
static float *passages;  // microseconds that the server held each INVITE
static long passage_count, passage_room;
static bool hold_calls;
static int run;  // tells this process's transactions and calls from those of the one before, which may still be known
static const char *suite;
static bool emergency;
static char offered_key[64];
static char phone_text[32], carrier_text[32], local_host[32];

static void begin(int slot);

// Queues what was written at `out`, and keeps a copy to repeat.
static void queue_repeated(Port *port, Repeated *kept, const char *out, size_t length, struct sockaddr_in to) {
  memcpy(kept->bytes, out, length);
  kept->length = length;
  kept->to = to;
  kept->pause = 0.5;
  kept->at = seconds() + kept->pause;
  queue(port, length);
}

static void repeat_due(Port *port, Repeated *kept, double now) {
  if (kept->length == 0 || now < kept->at) return;
  memcpy(room(port, kept->to), kept->bytes, kept->length);
  queue(port, kept->length);
  kept->pause = kept->pause < 2 ? kept->pause * 2 : 4;
  kept->at = now + kept->pause;
  repeated++;
}

static void send_register(int slot, const char *challenge) {
  Operation *operation = &operations[slot];
  char *out = room(phones, server);
  int user = 1000 + operation->user;
  size_t length = sprintf(out,
      "REGISTER sip:" DOMAIN " SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bKr%d-%d-%d-%d\r\n"
      "From: <sip:%d@" DOMAIN ">;tag=f%d\r\nTo: <sip:%d@" DOMAIN ">\r\nCall-ID: r%d-%d\r\nCSeq: %d REGISTER\r\n"
      "Contact: <sip:%d@%s>\r\nMax-Forwards: 70\r\nExpires: 3600\r\n",
      phone_text, slot, operation->turn, challenge != NULL, run, user, slot, user, user, run,
      operation->sequence * 2 + (challenge ? 2 : 1), user, phone_text);
  if (challenge)
    length += credentials(challenge, "WWW-Authenticate:", "Authorization", user, secrets[operation->user], "REGISTER",
                          "sip:" DOMAIN, out + length);
  length += sprintf(out + length, "Content-Length: 0\r\n\r\n");
  queue_repeated(phones, &operation->request, out, length, server);
}

static size_t describe(char *out, int port, const char *crypto) {
  if (crypto)
    return sprintf(out,
        "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %d RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
        "a=crypto:1 %s inline:%s\r\n", local_host, local_host, port, suite, crypto);
  return sprintf(out, "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %d RTP/AVP 8\r\n"
                      "a=rtpmap:8 PCMA/8000\r\n", local_host, local_host, port);
}

// The number that an operation calls names its slot; there is only one emergency number, and only slot zero calls it.
static void called_uri(int slot, char *uri) {
  if (emergency) strcpy(uri, "sip:112@" DOMAIN);
  else sprintf(uri, "sip:+44207%07d@" DOMAIN, slot);
}

static int called_slot(const char *message) {
  if (emergency) return 0;
  const char *number = strstr(message, "44207");
  int slot = number ? atoi(number + 5) : -1;
  return slot < window ? slot : -1;
}

static void send_invite(int slot, const char *challenge) {
  Operation *operation = &operations[slot];
  char *out = room(phones, server), body[1024];
  int user = 1000 + operation->user;
  char uri[128];
  called_uri(slot, uri);
  size_t size = describe(body, ntohs(phone_address.sin_port) + 2, suite ? offered_key : NULL);
  size_t length = sprintf(out,
      "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bKi%d-%d-%d-%d\r\nFrom: <sip:%d@" DOMAIN ">;tag=f%d\r\n"
      "To: <%s>\r\nCall-ID: s%d-%d-%d\r\nCSeq: %d INVITE\r\nContact: <sip:%d@%s>\r\nMax-Forwards: 70\r\n",
      uri, phone_text, slot, operation->turn, challenge != NULL, run, user, slot, uri, slot, operation->turn, run,
      challenge ? 2 : 1, user, phone_text);
  if (challenge && strncmp(challenge, "SIP/2.0 401", 11) == 0)
    length += credentials(challenge, "WWW-Authenticate:", "Authorization", user, secrets[operation->user], "INVITE",
                          uri, out + length);
  else if (challenge)
    length += credentials(challenge, "Proxy-Authenticate:", "Proxy-Authorization", user, secrets[operation->user],
                          "INVITE", uri, out + length);
  length += sprintf(out + length, "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n", size);
  memcpy(out + length, body, size);
  queue_repeated(phones, &operation->request, out, length + size, server);
  operation->invited = seconds();
}

// An ACK or BYE: within the dialog when it is established, else on the INVITE's own branch.
static void send_follow(int slot, const char *method, int cseq, bool in_dialog) {
  Operation *operation = &operations[slot];
  char *out = room(phones, server);
  char uri[256];
  if (in_dialog) strcpy(uri, operation->target);
  else called_uri(slot, uri);
  size_t length = sprintf(out,
      "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bKi%d-%d-%s-%d\r\n%sFrom: <sip:%d@" DOMAIN ">;tag=f%d\r\n"
      "To: %s\r\nCall-ID: s%d-%d-%d\r\nCSeq: %d %s\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
      method, uri, phone_text, slot, operation->turn,
      in_dialog ? method : (cseq == 1 ? "0" : "1"), run, in_dialog ? operation->route : "",
      1000 + operation->user, slot, operation->to, slot, operation->turn, run, cseq, method);
  if (strcmp(method, "BYE") == 0) queue_repeated(phones, &operation->request, out, length, server);
  else queue(phones, length);
}

static bool media_address(const char *message, struct sockaddr_in *address) {
  const char *connection = strstr(message, "c=IN IP4 "), *media = strstr(message, "m=audio ");
  if (!connection || !media) return false;
  char host[64];
  sscanf(connection + 9, "%63[0-9.]", host);
  *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(media + 8))};
  return inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

// Writes a packet of 172 bytes from the phone (side 0) or the carrier, and returns its length.
static int write_packet(char *out, uint16_t sequence, uint32_t stamp, uint32_t source) {
  sequence = htons(sequence);
  stamp = htonl(stamp);
  source = htonl(source);
  out[0] = (char)0x80;
  out[1] = 8;
  memcpy(out + 2, &sequence, 2);
  memcpy(out + 4, &stamp, 4);
  memcpy(out + 8, &source, 4);
  memset(out + 12, 0xD5, 160);
  return 172;
}

// The source of a packet says whose it is: of which operation, which of its calls, and of which side.
static uint32_t source_of(int slot, int side) {
  return (uint32_t)operations[slot].turn << 12 | (uint32_t)slot << 1 | (uint32_t)side;
}

static void say(int slot, int side) {
  Operation *operation = &operations[slot];
  struct sockaddr_in to = side ? operation->carrier_media : operation->caller_media;
  char *out = room(media[side], to);
  int length = write_packet(out, 1, 160, source_of(slot, side));
  queue_repeated(media[side], &operation->words[side], out, length, to);
}

static void listen_for_words(int side) {
  int count = receive(media[side]);
  for (int index = 0; index < count; index++) {
    uint32_t source;
    memcpy(&source, media[side]->in_bytes[index] + 8, 4);
    source = ntohl(source);
    int slot = source >> 1 & 0x7FF, speaker = 1 - side;
    if (media[side]->in[index].msg_len != 172 || slot >= window || source != source_of(slot, speaker)) continue;
    Operation *operation = &operations[slot];
    operation->words[speaker].length = 0;
    operation->heard[side] = true;
    if (operation->state != TALKING || !operation->heard[1 - side]) continue;
    operation->state = ENDING;
    send_follow(slot, "BYE", 3, true);
  }
}

static void done(int slot, bool good) {
  if (good) finished++;
  else failed++;
  operations[slot].state = IDLE;
  operations[slot].request.length = operations[slot].answer.length = 0;
  for (int side = 0; side < 2; side++) {
    operations[slot].words[side].length = 0;
    operations[slot].heard[side] = false;
  }
  if (started < wanted) begin(slot);
}

static void begin(int slot) {
  Operation *operation = &operations[slot];
  operation->user = (int)(started % users);
  operation->sequence = (int)(started / users);
  operation->turn++;
  operation->state = FIRST;
  started++;
  if (carrier) send_invite(slot, NULL);
  else send_register(slot, NULL);
}

// The operation of a response to the phones: its branch names it, and an ACK or BYE of its dialog too.
static int slot_of(const char *message, int *turn) {
  const char *found = strstr(message, ";branch=z9hG4bK");
  int slot = -1;
  if (!found || sscanf(found + 16, "%d-%d", &slot, turn) != 2 || slot < 0 || slot >= window) return -1;
  return slot;
}

static void on_register_answer(int slot, int status, const char *message) {
  Operation *operation = &operations[slot];
  // A copy of an answer that has been taken is of the other request, whose branch ends differently.
  int second;
  const char *branch = strstr(message, ";branch=z9hG4bKr");
  if (!branch || sscanf(branch + 16, "%*d-%*d-%d", &second) != 1 || second != (operation->state == SECOND)) return;
  operation->request.length = 0;
  if (status == 401 && operation->state == FIRST) {
    operation->state = SECOND;
    send_register(slot, message);
  } else if (status >= 200) {
    done(slot, status == 200);
  }
}

static void on_call_answer(int slot, int status, const char *message) {
  Operation *operation = &operations[slot];
  char cseq[64];
  header(message, "CSeq:", cseq, sizeof cseq);
  if (strstr(cseq, "BYE")) {
    if (status >= 200 && operation->state == ENDING) done(slot, status == 200);
    return;
  }
  // Copies of what has been answered before end no repetition of what came after it.
  if (atoi(cseq) == (operation->state == FIRST ? 1 : 2) && operation->state <= SECOND) operation->request.length = 0;
  if (status < 200) return;
  header(message, "To:", operation->to, sizeof operation->to);
  if (status >= 300) {
    send_follow(slot, "ACK", atoi(cseq), false);
    if (atoi(cseq) == 1 && (status == 407 || status == 401) && operation->state == FIRST) {
      operation->state = SECOND;
      send_invite(slot, message);
    } else if (atoi(cseq) == 2 && operation->state == SECOND) {
      if (failed == 0) fprintf(stderr, "first failure: %.*s\n", (int)strcspn(message, "\r"), message);
      done(slot, false);
    }
    return;
  }
  char contact[300];
  header(message, "Contact:", contact, sizeof contact);
  sscanf(contact, "%*[^<]<%255[^>]", operation->target);
  sscanf(contact, "<%255[^>]", operation->target);
  char routes[512];
  size_t length = copy_lines(message, "Record-Route:", routes);
  routes[length] = 0;
  operation->route[0] = 0;
  if (length) sprintf(operation->route, "Route: %s", routes + strlen("Record-Route: "));
  media_address(message, &operation->caller_media);
  const char *crypto = strstr(message, "inline:");
  if (crypto) sscanf(crypto + 7, "%127[^\r|]", operation->keys);
  send_follow(slot, "ACK", 2, true);
  if (operation->state != SECOND) return;
  operation->state = TALKING;
  if (hold_calls) {
    finished++;
    if (started < wanted) begin((int)started);
  } else {
    say(slot, 0);
  }
}

static void note_passage(Operation *operation) {
  if (operation->invited == 0 || operation->state != SECOND) return;
  if (passage_count < passage_room) passages[passage_count++] = (float)((seconds() - operation->invited) * 1e6);
  operation->invited = 0;
}

static int by_value(const void *left, const void *right) {
  float first = *(const float *)left, second = *(const float *)right;
  return first < second ? -1 : first > second;
}

static double passage(double share) {
  return passage_count ? passages[(long)(share * (double)(passage_count - 1))] : 0;
}

// The carrier: rings and answers at once.
static void on_carrier(const char *message, struct sockaddr_in from) {
  char via[1024], record[1024], from_line[300], to[300], call[200], cseq[64], body[512];
  int slot = -1;
  if (strncmp(message, "ACK sip:c", 9) == 0) {
    slot = atoi(message + 9);
    if (slot < 0 || slot >= window || operations[slot].answer.length == 0) return;
    operations[slot].answer.length = 0;
    if (!hold_calls) say(slot, 1);
    return;
  }
  bool invite = strncmp(message, "INVITE", 6) == 0;
  via[copy_lines(message, "Via:", via)] = 0;
  record[copy_lines(message, "Record-Route:", record)] = 0;
  header(message, "From:", from_line, sizeof from_line);
  header(message, "To:", to, sizeof to);
  header(message, "Call-ID:", call, sizeof call);
  header(message, "CSeq:", cseq, sizeof cseq);
  if (invite) {
    slot = called_slot(message);
    if (slot < 0) return;
    media_address(message, &operations[slot].carrier_media);
    note_passage(&operations[slot]);
    sprintf(to + strlen(to), ";tag=c%d-%d", slot, operations[slot].turn);
  }
  size_t size = invite ? describe(body, ntohs(phone_address.sin_port) + 4, NULL) : 0;
  for (int step = invite ? 0 : 1; step < 2; step++) {
    char *out = room(carrier, from);
    size_t count = step ? size : 0;
    size_t length = sprintf(out,
        "SIP/2.0 %s\r\n%s%sFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: <sip:c%d@%s>\r\n"
        "%sContent-Length: %zu\r\n\r\n", step ? "200 OK" : "180 Ringing", via, record, from_line, to, call, cseq,
        slot, carrier_text, count ? "Content-Type: application/sdp\r\n" : "", count);
    memcpy(out + length, body, count);
    if (invite && step) queue_repeated(carrier, &operations[slot].answer, out, length + count, from);
    else queue(carrier, length + count);
  }
}

// A request of the server itself, such as an OPTIONS probe or a BYE, is answered and counted by nobody.
static void on_server_request(Port *port, const char *message, struct sockaddr_in from) {
  if (strncmp(message, "ACK", 3) == 0) return;
  char via[1024], value[300];
  via[copy_lines(message, "Via:", via)] = 0;
  char *out = room(port, from);
  size_t length = sprintf(out, "SIP/2.0 200 OK\r\n%s", via);
  static const char *names[] = {"From:", "To:", "Call-ID:", "CSeq:"};
  for (int index = 0; index < 4; index++) {
    header(message, names[index], value, sizeof value);
    length += sprintf(out + length, "%s %s\r\n", names[index], value);
  }
  length += sprintf(out + length, "Content-Length: 0\r\n\r\n");
  queue(port, length);
}

static void repeat_all(double now) {
  for (int slot = 0; slot < window; slot++) {
    repeat_due(phones, &operations[slot].request, now);
    if (!carrier) continue;
    repeat_due(carrier, &operations[slot].answer, now);
    for (int side = 0; side < 2; side++) repeat_due(media[side], &operations[slot].words[side], now);
  }
}

static void run_signalling(long target) {
  double last = seconds(), looked = last;
  long before = -1;
  int first = hold_calls ? 64 : window;
  for (int slot = 0; slot < first && started < wanted; slot++) begin(slot);
  flush_port(phones);
  while (finished + failed < target) {
    struct pollfd wait[4] = {{phones->descriptor, POLLIN, 0}};
    if (carrier) {
      Port *others[3] = {carrier, media[0], media[1]};
      for (int index = 0; index < 3; index++) wait[index + 1] = (struct pollfd){others[index]->descriptor, POLLIN, 0};
    }
    poll(wait, carrier ? 4 : 1, 100);
    int count = receive(phones);
    for (int index = 0; index < count; index++) {
      const char *message = phones->in_bytes[index];
      int status = 0, turn, slot;
      if (sscanf(message, "SIP/2.0 %d", &status) != 1) {
        on_server_request(phones, message, phones->in_address[index]);
        continue;
      }
      slot = slot_of(message, &turn);
      if (slot < 0 || (carrier && turn != operations[slot].turn)) continue;
      if (carrier) on_call_answer(slot, status, message);
      else on_register_answer(slot, status, message);
    }
    if (carrier) {
      count = receive(carrier);
      for (int index = 0; index < count; index++) {
        const char *message = carrier->in_bytes[index];
        if (strncmp(message, "INVITE", 6) == 0 || strncmp(message, "BYE", 3) == 0 || strncmp(message, "ACK", 3) == 0)
          on_carrier(message, carrier->in_address[index]);
        else if (strncmp(message, "SIP/2.0", 7) != 0)
          on_server_request(carrier, message, carrier->in_address[index]);
      }
      for (int side = 0; side < 2; side++) listen_for_words(side);
    }
    double now = seconds();
    if (now - looked > 0.1) {
      repeat_all(now);
      looked = now;
    }
    flush_port(phones);
    if (carrier) {
      flush_port(carrier);
      for (int side = 0; side < 2; side++) flush_port(media[side]);
    }
    if (finished + failed != before) {
      before = finished + failed;
      last = now;
    } else if (now - last > 10) {
      int states[ENDING + 1] = {0};
      for (int slot = 0; slot < window; slot++) states[operations[slot].state]++;
      fprintf(stderr, "no progress for ten seconds: %ld of %ld done, %ld failed, %ld repeated; "
              "%d not begun, %d asked first, %d asked with a digest, %d talk, %d hang up\n",
              finished, target, failed, repeated, states[IDLE], states[FIRST], states[SECOND], states[TALKING], states[ENDING]);
      exit(1);
    }
  }
}

// ------------------------------------------------------------------------------------------------------------------ media

static srtp_t srtp_session(const char *inline_key, srtp_ssrc_type_t direction) {
  static unsigned char key[64];
  unsigned char decoded[64];
  srtp_policy_t policy;
  memset(&policy, 0, sizeof policy);
  if (strstr(suite, "AEAD_AES_128_GCM")) {
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
  } else {
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
  }
  EVP_DecodeBlock(decoded, (const unsigned char *)inline_key, (int)strlen(inline_key));
  memcpy(key, decoded, sizeof key);
  policy.key = key;
  policy.ssrc.type = direction;
  policy.allow_repeat_tx = 1;
  srtp_t session;
  if (srtp_create(&session, &policy) != srtp_err_status_ok) {
    fprintf(stderr, "srtp_create failed for %s\n", suite);
    exit(1);
  }
  return session;
}

// The streams of a relay that nobody signals to.
static void take_streams(void) {
  for (int slot = 0; slot < window; slot++) {
    struct sockaddr_in address = server;
    uint16_t port = ntohs(server.sin_port) + 2 * slot;
    address.sin_port = htons(port);
    operations[slot].caller_media = address;
    address.sin_port = htons(port + 1);
    operations[slot].carrier_media = address;
  }
  finished = window;
}

// Sends packets of 172 bytes on every held call, both ways in turn, WINDOW of them under way, and counts what arrives.
static void run_media(long packets, int in_flight) {
  static srtp_t *sealers;
  static uint16_t *sequence;
  static uint32_t stamp;
  if (!sequence) {
    sequence = calloc(window * 2, sizeof *sequence);
    if (suite) {
      sealers = calloc(window, sizeof *sealers);
      for (int slot = 0; slot < window; slot++) sealers[slot] = srtp_session(offered_key, ssrc_any_outbound);
    }
  }
  long sent = 0, arrived = 0;
  double last = seconds();
  while (arrived < packets) {
    while (sent < packets && sent - arrived < in_flight) {
      int side = (int)(sent & 1), slot = (int)(sent / 2 % window);
      Operation *operation = &operations[slot];
      char *out = room(media[side], side ? operation->carrier_media : operation->caller_media);
      int length = write_packet(out, ++sequence[slot * 2 + side], stamp += 160, 0x5000 + slot * 2 + side);
      if (suite && side == 0) srtp_protect(sealers[slot], out, &length);
      queue(media[side], length);
      sent++;
    }
    flush_port(media[0]);
    flush_port(media[1]);
    struct pollfd wait[2] = {{media[0]->descriptor, POLLIN, 0}, {media[1]->descriptor, POLLIN, 0}};
    poll(wait, 2, 20);
    int count = receive(media[0]) + receive(media[1]);
    arrived += count;
    if (count) last = seconds();
    // What the relay dropped (before it has learned a source) is taken off the window.
    else if (seconds() - last > 0.3) { packets -= sent - arrived; sent = arrived; last = seconds() + 1e9; if (packets <= 0) break; last = seconds(); failed++; if (failed > 50) break; }
  }
  wanted = packets;
  finished = arrived;
}

static void report(const char *job, double begun) {
  qsort(passages, passage_count, sizeof *passages, by_value);
  printf("{\"job\": \"%s\", \"operations\": %ld, \"failed\": %ld, \"repeated\": %ld, \"seconds\": %.3f, "
         "\"invite_p50_us\": %.0f, \"invite_p99_us\": %.0f}\n", job, finished, failed, repeated,
         seconds() - begun, passage(0.5), passage(0.99));
  fflush(stdout);
}

int main(int count, char **words) {
  if (count < 6) {
    fprintf(stderr, "usage: load register|call|hold|media SERVER LOCAL USERS OPERATIONS [WINDOW] [srtp SUITE]\n");
    return 2;
  }
  const char *job = words[1];
  run = (int)getpid();
  server = parse_address(words[2]);
  phone_address = carrier_address = parse_address(words[3]);
  carrier_address.sin_port = htons(ntohs(phone_address.sin_port) + 1);
  users = atoi(words[4]);
  wanted = atol(words[5]);
  bool media_alone = strcmp(job, "media") == 0;
  hold_calls = media_alone || strcmp(job, "hold") == 0;
  window = hold_calls ? (int)wanted : (count > 6 ? atoi(words[6]) : 64);
  for (int index = 6; index + 1 < count; index++)
    if (strcmp(words[index], "srtp") == 0) suite = words[index + 1];
  emergency = strcmp(words[count - 1], "emergency") == 0;
  if (emergency) window = 1;
  inet_ntop(AF_INET, &phone_address.sin_addr, local_host, sizeof local_host);
  sprintf(phone_text, "%s:%d", local_host, ntohs(phone_address.sin_port));
  sprintf(carrier_text, "%s:%d", local_host, ntohs(carrier_address.sin_port));
  if (suite) {
    srtp_init();
    unsigned char key[30];
    int size = strstr(suite, "GCM") ? 28 : 30;
    for (int index = 0; index < size; index++) key[index] = (unsigned char)(index * 7 + 3);
    EVP_EncodeBlock((unsigned char *)offered_key, key, size);
  }
  secrets = calloc(users, sizeof *secrets);
  for (int user = 0; user < users; user++) {
    char text[128];
    sprintf(text, "%d:" DOMAIN ":bench-%d-secret", 1000 + user, 1000 + user);
    hexadecimal(text, secrets[user]);
  }
  operations = calloc(window, sizeof *operations);
  passage_room = wanted;
  passages = calloc(passage_room, sizeof *passages);
  phones = open_port(phone_address);
  if (strcmp(job, "register") != 0) {
    carrier = open_port(carrier_address);
    for (int side = 0; side < 2; side++) {
      struct sockaddr_in address = phone_address;
      address.sin_port = htons(ntohs(phone_address.sin_port) + 2 + 2 * side);
      media[side] = open_port(address);
    }
  }
  double begun = seconds();
  if (media_alone) take_streams();
  else run_signalling(wanted);
  report(job, begun);
  if (!hold_calls) return failed ? 1 : 0;
  char line[128];
  printf("held\n");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    long packets;
    int in_flight;
    if (sscanf(line, "rtp %ld %d", &packets, &in_flight) == 2) {
      finished = failed = 0;
      begun = seconds();
      run_media(packets, in_flight);
      report("rtp", begun);
    } else if (strncmp(line, "end", 3) == 0) {
      break;
    }
  }
  if (media_alone) return 0;
  long calls = window;
  finished = failed = 0;
  wanted = started = calls;
  for (int slot = 0; slot < calls; slot++) {
    operations[slot].state = ENDING;
    send_follow(slot, "BYE", 3, true);
    if (slot % 64 == 63) {
      flush_port(phones);
      usleep(2000);
    }
  }
  flush_port(phones);
  hold_calls = false;
  begun = seconds();
  run_signalling(calls);
  report("end", begun);
  return 0;
}
