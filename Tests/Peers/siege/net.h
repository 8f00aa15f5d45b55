// Datagrams in batches, endpoints of either family, and time.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define BYTES 2048

typedef union {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} Endpoint;

static inline void die(const char *what) {
  perror(what);
  exit(1);
}

static inline double seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static inline Endpoint endpoint(const char *host, int port) {
  Endpoint made = {.any.sa_family = strchr(host, ':') ? AF_INET6 : AF_INET};
  void *address = made.any.sa_family == AF_INET ? (void *)&made.v4.sin_addr : (void *)&made.v6.sin6_addr;
  if (inet_pton(made.any.sa_family, host, address) != 1) {
    fprintf(stderr, "%s is no address\n", host);
    exit(2);
  }
  // The port stands at the same place in both.
  made.v4.sin_port = htons((uint16_t)port);
  return made;
}

static inline socklen_t size_of(const Endpoint *address) {
  return address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
}

// As it stands in a URI or a Via: "192.0.2.1:5060", "[2001:db8::1]:5060".
static inline void write_endpoint(const char *host, int port, char out[64]) {
  snprintf(out, 64, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
}

// A socket with what waits to be sent and what has just come.
typedef struct {
  int descriptor, queued;
  struct mmsghdr out[BATCH], in[BATCH];
  struct iovec out_vector[BATCH], in_vector[BATCH];
  Endpoint to[BATCH], from[BATCH];
  char out_bytes[BATCH][BYTES], in_bytes[BATCH][BYTES];
} Port;

static inline Port *open_port(const char *host, int number) {
  Port *port = calloc(1, sizeof *port);
  Endpoint local = endpoint(host, number);
  int size = 8 << 20;
  port->descriptor = socket(local.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (setsockopt(port->descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
    setsockopt(port->descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (bind(port->descriptor, &local.any, size_of(&local)) != 0) die("bind");
  for (int index = 0; index < BATCH; index++) {
    port->out_vector[index].iov_base = port->out_bytes[index];
    port->in_vector[index] = (struct iovec){port->in_bytes[index], BYTES - 1};
    port->out[index].msg_hdr = (struct msghdr){
        .msg_name = &port->to[index], .msg_namelen = size_of(&local), .msg_iov = &port->out_vector[index], .msg_iovlen = 1};
    port->in[index].msg_hdr = (struct msghdr){
        .msg_name = &port->from[index], .msg_iov = &port->in_vector[index], .msg_iovlen = 1};
  }
  return port;
}

static inline void flush_port(Port *port) {
  int sent = 0;
  while (sent < port->queued) {
    int count = sendmmsg(port->descriptor, port->out + sent, (unsigned)(port->queued - sent), 0);
    if (count > 0) {
      sent += count;
    } else if (errno == EAGAIN) {
      struct pollfd wait = {port->descriptor, POLLOUT, 0};
      poll(&wait, 1, 10);
    } else if (errno != EINTR) {
      sent++;  // What this one cannot reach is told by what does not come back.
    }
  }
  port->queued = 0;
}

// Where the next message to `to` is written; `queue` says how long it became.
static inline char *room(Port *port, Endpoint to) {
  if (port->queued == BATCH) flush_port(port);
  port->to[port->queued] = to;
  return port->out_bytes[port->queued];
}

static inline void queue(Port *port, size_t length) {
  port->out_vector[port->queued++].iov_len = length;
}

// Receives what waits, a batch at most; each message ends with a zero.
static inline int receive(Port *port) {
  for (int index = 0; index < BATCH; index++) port->in[index].msg_hdr.msg_namelen = sizeof(Endpoint);
  int count = recvmmsg(port->descriptor, port->in, BATCH, MSG_DONTWAIT, NULL);
  for (int index = 0; index < count; index++) port->in_bytes[index][port->in[index].msg_len] = 0;
  return count < 0 ? 0 : count;
}
