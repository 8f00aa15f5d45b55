// A crowd of TCP connections that do no good, from as many addresses as it likes.
//
//   crowd SERVER PORT DOMAIN KIND NETWORK CONNECTIONS SECONDS
//
// KIND: "idle" says nothing, "slow" a byte a second of an endless head, "half" half a message, "huge" announces a gigabyte and goes on
// sending, "churn" closes and begins anew as fast as it can, "hello" is TLS that stops within its first message, and "tls" does whole
// handshakes, one after the other. NETWORK is ADDRESS/BITS, all of it local to this host ("ip route add local NETWORK dev lo"). It
// keeps CONNECTIONS at a time for SECONDS, begins another one for each that the server closes, and prints what happened as JSON.
#include "net.h"

#include <openssl/ssl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#define MOST 20000

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

typedef struct {
  int descriptor;
  bool is_connected;
  double next_at;  // when it says something again
  size_t said;
  SSL *tls;
} Connection;

static const char *kind, *domain;
static Endpoint server;
static uint8_t network[16];
static int bits, poller, wanted;
static Connection connections[MOST];
static SSL_CTX *contexts;
static long begun, made, refused, closed, handshakes;
static char text[BYTES], filling[16384];
static size_t text_size;

static bool is(const char *name) { return strcmp(kind, name) == 0; }

static Endpoint somewhere(void) {
  Endpoint made_up = server;
  uint8_t *address = server.any.sa_family == AF_INET ? (uint8_t *)&made_up.v4.sin_addr : (uint8_t *)&made_up.v6.sin6_addr;
  int size = server.any.sa_family == AF_INET ? 4 : 16;
  for (int place = 0; place < size; place++) {
    int kept = bits - 8 * place;
    uint8_t mask = kept >= 8 ? 0xFF : kept <= 0 ? 0 : (uint8_t)(0xFF << (8 - kept));
    address[place] = (uint8_t)((network[place] & mask) | ((uint8_t)rand() & ~mask));
  }
  made_up.v4.sin_port = 0;
  return made_up;
}

static void leave(Connection *connection) {
  if (connection->tls) SSL_free(connection->tls);
  struct linger at_once = {1, 0};
  setsockopt(connection->descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(connection->descriptor);
  *connection = (Connection){.descriptor = -1};
}

static void join(Connection *connection) {
  int one = 1;
  Endpoint local = somewhere();
  *connection = (Connection){.descriptor = socket(server.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0)};
  if (connection->descriptor < 0) die("socket");
  setsockopt(connection->descriptor, IPPROTO_IP, IP_FREEBIND, &one, sizeof one);
  setsockopt(connection->descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  begun++;
  if (bind(connection->descriptor, &local.any, size_of(&local)) != 0 ||
      (connect(connection->descriptor, &server.any, size_of(&server)) != 0 && errno != EINPROGRESS)) {
    refused++;
    return leave(connection);
  }
  struct epoll_event wish = {EPOLLIN | EPOLLOUT | EPOLLET, {.ptr = connection}};
  epoll_ctl(poller, EPOLL_CTL_ADD, connection->descriptor, &wish);
}

static void shake_hands(Connection *connection) {
  if (!connection->tls) {
    connection->tls = SSL_new(contexts);
    SSL_set_fd(connection->tls, connection->descriptor);
  }
  int result = SSL_connect(connection->tls);
  handshakes += result == 1;
  int error = SSL_get_error(connection->tls, result);
  if (result == 1 || (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)) {
    closed += result != 1;
    leave(connection);
  }
}

static void speak(Connection *connection, double now) {
  ssize_t said = 0;
  if (is("slow") && now >= connection->next_at) {
    said = send(connection->descriptor, text + connection->said % text_size, 1, MSG_NOSIGNAL);
    connection->next_at = now + 1;
  } else if ((is("half") || is("hello")) && connection->said == 0) {
    said = send(connection->descriptor, text, text_size / 2, MSG_NOSIGNAL);
  } else if (is("huge")) {
    said = connection->said == 0 ? send(connection->descriptor, text, text_size, MSG_NOSIGNAL)
                                 : send(connection->descriptor, filling, sizeof filling, MSG_NOSIGNAL);
  }
  if (said > 0) connection->said += (size_t)said;
}

static void happened(Connection *connection, uint32_t events, double now) {
  char heard[4096];
  if (!connection->is_connected && events & EPOLLOUT && !(events & (EPOLLERR | EPOLLHUP))) {
    connection->is_connected = true;
    made++;
    if (is("churn")) return leave(connection);
  }
  if (is("tls") && connection->is_connected && !(events & (EPOLLERR | EPOLLHUP))) return shake_hands(connection);
  ssize_t count = 1;
  while (count > 0) count = recv(connection->descriptor, heard, sizeof heard, 0);
  if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    if (connection->is_connected) closed++;
    else refused++;
    return leave(connection);
  }
  if (connection->is_connected) speak(connection, now);
}

static void write_text(void) {
  if (is("hello")) {
    // The head of a record with a ClientHello of 512 bytes (RFC 8446 §4.1.2), of which half comes.
    memcpy(text, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
    text_size = 517;
    return;
  }
  text_size = (size_t)snprintf(
      text, sizeof text,
      "REGISTER sip:%s SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.9:5060;branch=z9hG4bKcrowd;rport\r\nFrom: <sip:1000@%s>;tag=1\r\n"
      "To: <sip:1000@%s>\r\nCall-ID: crowd\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\n%s", domain, domain, domain,
      is("huge") ? "Content-Length: 1000000000\r\n\r\n" : "X-Endless: ");
}

int main(int count, char **words) {
  signal(SIGPIPE, SIG_IGN);  // Who is closed before he has spoken is one more that was refused.
  char host[64];
  if (count != 8 || sscanf(words[5], "%63[^/]/%d", host, &bits) != 2) {
    fprintf(stderr, "usage: crowd SERVER PORT DOMAIN KIND NETWORK CONNECTIONS SECONDS\n");
    return 2;
  }
  server = endpoint(words[1], atoi(words[2]));
  domain = words[3], kind = words[4];
  inet_pton(server.any.sa_family, host, network);
  wanted = atoi(words[6]) < MOST ? atoi(words[6]) : MOST;
  double length = atof(words[7]), start = seconds(), now = start;
  struct rlimit files = {MOST + 100, MOST + 100};
  if (setrlimit(RLIMIT_NOFILE, &files) != 0 && (getrlimit(RLIMIT_NOFILE, &files), files.rlim_cur = files.rlim_max, 1)) {
    setrlimit(RLIMIT_NOFILE, &files);
    if ((int)files.rlim_cur - 100 < wanted) wanted = (int)files.rlim_cur - 100;
  }
  contexts = SSL_CTX_new(TLS_client_method());
  poller = epoll_create1(0);
  write_text();
  for (int index = 0; index < wanted; index++) connections[index].descriptor = -1;
  struct epoll_event events[256];
  int place = 0;
  double looked = start;
  while ((now = seconds()) - start < length) {
    // A few at a time, so that the server's queue of what it has not accepted is not what is tested.
    for (int tries = 0, joined = 0; tries < wanted && joined < 64; tries++, place = (place + 1) % wanted)
      if (connections[place].descriptor < 0) join(&connections[place]), joined++;
    int came = epoll_wait(poller, events, 256, 5);
    for (int index = 0; index < came; index++)
      if (((Connection *)events[index].data.ptr)->descriptor >= 0) happened(events[index].data.ptr, events[index].events, now);
    if (now - looked < 0.1) continue;
    looked = now;
    for (int index = 0; index < wanted; index++)
      if (connections[index].is_connected) speak(&connections[index], now);
  }
  int open = 0;
  for (int index = 0; index < wanted; index++) open += connections[index].is_connected;
  printf("{\"begun\": %ld, \"made\": %ld, \"refused\": %ld, \"closed\": %ld, \"open\": %d, \"handshakes\": %ld, \"seconds\": %.2f}\n",
         begun, made, refused, closed, open, handshakes, now - start);
  return 0;
}
