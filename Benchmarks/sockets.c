// What a relayed packet costs in sockets alone: a relay that does nothing but relay, as ours does it.
//
//   sockets ADDRESS:PORT STREAMS
//
// Has a socket for each stream on PORT and the ports above; they belong together by twos. Who speaks first on one is its only peer from
// then on. What is ready in one look is received, then sent on together. No header is read, nothing is counted, no limit is kept: no relay
// with a socket for each stream can be cheaper. It prints "ready" and runs until it is ended.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOGETHER 64
#define BYTES 2048

typedef struct {
  int descriptor;
  bool has_peer;
} Stream;

typedef struct {
  int descriptor;
  size_t length;
  char bytes[BYTES];
} Packet;

static Packet packets[TOGETHER];

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int open_stream(struct sockaddr_in address, int epoll, uint32_t index) {
  int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) die("epoll_ctl");
  return descriptor;
}

static ssize_t receive(Stream *stream, Packet *packet) {
  if (stream->has_peer) return recv(stream->descriptor, packet->bytes, BYTES, 0);
  struct sockaddr_in source;
  socklen_t size = sizeof source;
  ssize_t length = recvfrom(stream->descriptor, packet->bytes, BYTES, 0, (struct sockaddr *)&source, &size);
  if (length >= 0) stream->has_peer = connect(stream->descriptor, (struct sockaddr *)&source, size) == 0;
  return length;
}

static void send_all(int count) {
  for (int index = 0; index < count; index++) send(packets[index].descriptor, packets[index].bytes, packets[index].length, 0);
}

int main(int count, char **words) {
  char *colon = count == 3 ? strchr(words[1], ':') : NULL;
  int streams = count == 3 ? atoi(words[2]) : 0;
  if (!colon || streams < 2 || streams % 2 != 0) {
    fprintf(stderr, "usage: sockets ADDRESS:PORT STREAMS (an even number)\n");
    return 2;
  }
  *colon = 0;
  struct sockaddr_in address = {.sin_family = AF_INET};
  if (inet_pton(AF_INET, words[1], &address.sin_addr) != 1) die(words[1]);
  int epoll = epoll_create1(0);
  Stream *stream = calloc((size_t)streams, sizeof *stream);
  for (int index = 0; index < streams; index++) {
    address.sin_port = htons((uint16_t)(atoi(colon + 1) + index));
    stream[index].descriptor = open_stream(address, epoll, (uint32_t)index);
  }
  printf("ready\n");
  fflush(stdout);
  struct epoll_event ready[256];
  while (true) {
    int waiting = 0, readable = epoll_wait(epoll, ready, 256, -1);
    for (int index = 0; index < readable; index++) {
      uint32_t number = ready[index].data.u32;
      Stream *partner = &stream[number ^ 1];
      ssize_t length = receive(&stream[number], &packets[waiting]);
      if (length < 0 || !partner->has_peer) continue;
      packets[waiting].descriptor = partner->descriptor;
      packets[waiting++].length = (size_t)length;
      if (waiting < TOGETHER) continue;
      send_all(waiting);
      waiting = 0;
    }
    send_all(waiting);
  }
}
