#define _GNU_SOURCE
#include "CLinuxSockets.h"

#include <endian.h>
#include <errno.h>
#include <time.h>
// After time.h, whose timespec it uses without saying so.
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"

// A pktinfo of either family, and room for a second message.
#define CONTROL_BYTES 96

static int set(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0 ? 0 : -errno;
}

static int configure(int fd, bool v6, const cls_udp_options *options) {
  int result = 0;
  if (v6) result = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (result == 0 && options->packet_info)
    result = v6 ? set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) : set(fd, IPPROTO_IP, IP_PKTINFO, 1);
  if (result == 0 && options->receive_errors)
    result = v6 ? set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1) : set(fd, IPPROTO_IP, IP_RECVERR, 1);
  if (result != 0) return result;
  // What follows makes things better and may be refused without harm.
  if (options->receive_buffer_bytes > 0 &&
      set(fd, SOL_SOCKET, SO_RCVBUFFORCE, options->receive_buffer_bytes) != 0)
    set(fd, SOL_SOCKET, SO_RCVBUF, options->receive_buffer_bytes);
  if (options->send_buffer_bytes > 0 &&
      set(fd, SOL_SOCKET, SO_SNDBUFFORCE, options->send_buffer_bytes) != 0)
    set(fd, SOL_SOCKET, SO_SNDBUF, options->send_buffer_bytes);
  if (options->dscp != 0) {
    if (v6) set(fd, IPPROTO_IPV6, IPV6_TCLASS, options->dscp << 2);
    else set(fd, IPPROTO_IP, IP_TOS, options->dscp << 2);
  }
  return 0;
}

static int bound_endpoint(int fd, cls_endpoint *bound) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) return -errno;
  *bound = cls_endpoint_of(&address);
  return 0;
}

int cls_udp_open(const cls_endpoint *local, const cls_udp_options *options, cls_endpoint *bound) {
  bool v6 = !cls_is_v4(local);
  int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  struct sockaddr_storage address;
  socklen_t length = cls_sockaddr(local, &address);
  int result = configure(fd, v6, options);
  if (result == 0 && bind(fd, (struct sockaddr *)&address, length) != 0) result = -errno;
  // The kernel has chosen where no port was named.
  if (result == 0 && local->port != 0) *bound = *local;
  else if (result == 0) result = bound_endpoint(fd, bound);
  if (result == 0) return fd;
  close(fd);
  return result;
}

int cls_udp_connect(int fd, const cls_endpoint *remote) {
  struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
  socklen_t length = remote ? cls_sockaddr(remote, &address) : sizeof(struct sockaddr);
  return connect(fd, (struct sockaddr *)&address, length) == 0 ? 0 : -errno;
}

int cls_local_address(const cls_endpoint *remote, cls_endpoint *local) {
  bool v6 = !cls_is_v4(remote);
  int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  struct sockaddr_storage address;
  socklen_t length = cls_sockaddr(remote, &address);
  int result = connect(fd, (struct sockaddr *)&address, length) == 0 ? 0 : -errno;
  if (result == 0) result = bound_endpoint(fd, local);
  close(fd);
  return result;
}

// ---- receiving

struct cls_inbox {
  int slots;
  size_t slot_bytes;
  uint8_t *bytes;
  struct mmsghdr *headers;
  struct iovec *vectors;
  struct sockaddr_storage *names;
  uint8_t (*controls)[CONTROL_BYTES];
  cls_datagram *datagrams;
};

cls_inbox *cls_inbox_make(int slots, int slot_bytes) {
  cls_inbox *inbox = calloc(1, sizeof *inbox);
  if (!inbox) return NULL;
  inbox->slots = slots;
  inbox->slot_bytes = (size_t)slot_bytes;
  inbox->bytes = malloc((size_t)slots * (size_t)slot_bytes);
  inbox->headers = calloc((size_t)slots, sizeof *inbox->headers);
  inbox->vectors = calloc((size_t)slots, sizeof *inbox->vectors);
  inbox->names = calloc((size_t)slots, sizeof *inbox->names);
  inbox->controls = calloc((size_t)slots, sizeof *inbox->controls);
  inbox->datagrams = calloc((size_t)slots, sizeof *inbox->datagrams);
  if (!inbox->bytes || !inbox->headers || !inbox->vectors || !inbox->names || !inbox->controls ||
      !inbox->datagrams) {
    cls_inbox_free(inbox);
    return NULL;
  }
  for (int i = 0; i < slots; i++) {
    inbox->datagrams[i].bytes = inbox->bytes + (size_t)i * inbox->slot_bytes;
    inbox->vectors[i].iov_base = inbox->datagrams[i].bytes;
    inbox->vectors[i].iov_len = inbox->slot_bytes;
    struct msghdr *header = &inbox->headers[i].msg_hdr;
    header->msg_iov = &inbox->vectors[i];
    header->msg_iovlen = 1;
    header->msg_name = &inbox->names[i];
    header->msg_control = inbox->controls[i];
    header->msg_namelen = sizeof inbox->names[i];
    header->msg_controllen = CONTROL_BYTES;
  }
  return inbox;
}

void cls_inbox_free(cls_inbox *inbox) {
  if (!inbox) return;
  free(inbox->bytes);
  free(inbox->headers);
  free(inbox->vectors);
  free(inbox->names);
  free(inbox->controls);
  free(inbox->datagrams);
  free(inbox);
}

cls_datagram *cls_inbox_datagrams(cls_inbox *inbox) { return inbox->datagrams; }

static cls_endpoint local_address(struct msghdr *header) {
  cls_endpoint local = {0, 0, 0};
  for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      local.low = V4_MAPPED | ntohl(info.ipi_addr.s_addr);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      cls_load_v6(&info.ipi6_addr, &local);
    }
  }
  return local;
}

int cls_receive(cls_inbox *inbox, int fd) {
  int count = recvmmsg(fd, inbox->headers, (unsigned)inbox->slots, MSG_DONTWAIT, NULL);
  if (count < 0) return errno == EAGAIN || errno == EINTR ? 0 : -errno;
  for (int i = 0; i < count; i++) {
    struct msghdr *header = &inbox->headers[i].msg_hdr;
    cls_datagram *datagram = &inbox->datagrams[i];
    datagram->length = inbox->headers[i].msg_len;
    datagram->truncated = (header->msg_flags & MSG_TRUNC) != 0;
    datagram->remote = cls_endpoint_of(&inbox->names[i]);
    datagram->local = local_address(header);
    header->msg_namelen = sizeof inbox->names[i];
    header->msg_controllen = CONTROL_BYTES;
  }
  return count;
}

int cls_receive_one(cls_inbox *inbox, int slot, int fd) {
  struct sockaddr_storage name;
  socklen_t size = sizeof name;
  cls_datagram *datagram = &inbox->datagrams[slot];
  ssize_t length = recvfrom(
    fd, datagram->bytes, inbox->slot_bytes, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&name, &size);
  if (length < 0) return errno == EAGAIN || errno == EINTR ? 0 : -errno;
  datagram->length = (uint32_t)length;
  datagram->truncated = (size_t)length > inbox->slot_bytes;
  datagram->remote = cls_endpoint_of(&name);
  datagram->local = (cls_endpoint){0, 0, 0};
  return 1;
}

int cls_udp_filter(int fd, const cls_filter_step *steps, size_t count) {
  _Static_assert(sizeof(cls_filter_step) == sizeof(struct sock_filter), "laid out as the kernel's");
  if (count == 0) {
    int nothing = 0;
    // ENOENT: there was none.
    return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &nothing, sizeof nothing) == 0 || errno == ENOENT ? 0 : -errno;
  }
  if (count > BPF_MAXINSNS) return -E2BIG;
  struct sock_fprog program = {(unsigned short)count, (struct sock_filter *)steps};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 ? 0 : -errno;
}

uint32_t cls_udp_dropped(int fd) {
  uint32_t figures[SK_MEMINFO_VARS] = {0};
  socklen_t length = sizeof figures;
  getsockopt(fd, SOL_SOCKET, SO_MEMINFO, figures, &length);
  return figures[SK_MEMINFO_DROPS];
}

// ---- sending

struct cls_outbox {
  int slots;
  int head;  // Sent so far.
  int tail;  // Queued so far; both start over when they meet.
  size_t arena_bytes;
  size_t used;
  uint8_t *arena;
  struct mmsghdr *headers;
  struct iovec *vectors;
  struct sockaddr_storage *names;
  uint8_t (*controls)[CONTROL_BYTES];
  uint64_t *tags;
};

cls_outbox *cls_outbox_make(int slots, size_t arena_bytes) {
  cls_outbox *outbox = calloc(1, sizeof *outbox);
  if (!outbox) return NULL;
  outbox->slots = slots;
  outbox->arena_bytes = arena_bytes;
  outbox->arena = malloc(arena_bytes > 0 ? arena_bytes : 1);
  outbox->headers = calloc((size_t)slots, sizeof *outbox->headers);
  outbox->vectors = calloc((size_t)slots, sizeof *outbox->vectors);
  outbox->names = calloc((size_t)slots, sizeof *outbox->names);
  outbox->controls = calloc((size_t)slots, sizeof *outbox->controls);
  outbox->tags = calloc((size_t)slots, sizeof *outbox->tags);
  if (!outbox->arena || !outbox->headers || !outbox->vectors || !outbox->names ||
      !outbox->controls || !outbox->tags) {
    cls_outbox_free(outbox);
    return NULL;
  }
  return outbox;
}

void cls_outbox_free(cls_outbox *outbox) {
  if (!outbox) return;
  free(outbox->arena);
  free(outbox->headers);
  free(outbox->vectors);
  free(outbox->names);
  free(outbox->controls);
  free(outbox->tags);
  free(outbox);
}

int cls_outbox_count(const cls_outbox *outbox) { return outbox->tail - outbox->head; }

// Fills the control buffer so that the datagram leaves from `local`; returns its length.
static size_t store_source(uint8_t *control, const cls_endpoint *local, bool v6) {
  if (local->high == 0 && (local->low == 0 || local->low == V4_MAPPED)) return 0;
  if (v6 == cls_is_v4(local)) return 0;
  struct cmsghdr *c = (struct cmsghdr *)control;
  memset(control, 0, CONTROL_BYTES);
  if (v6) {
    struct in6_pktinfo info = {0};
    cls_store_v6(local, &info.ipi6_addr);
    c->cmsg_level = IPPROTO_IPV6;
    c->cmsg_type = IPV6_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(c), &info, sizeof info);
    return CMSG_SPACE(sizeof info);
  }
  struct in_pktinfo info = {0};
  info.ipi_spec_dst.s_addr = htonl((uint32_t)local->low);
  c->cmsg_level = IPPROTO_IP;
  c->cmsg_type = IP_PKTINFO;
  c->cmsg_len = CMSG_LEN(sizeof info);
  memcpy(CMSG_DATA(c), &info, sizeof info);
  return CMSG_SPACE(sizeof info);
}

bool cls_outbox_add(
  cls_outbox *outbox, const uint8_t *bytes, size_t length, const cls_endpoint *remote,
  const cls_endpoint *local, uint64_t tag) {
  if (outbox->tail == outbox->slots || outbox->arena_bytes - outbox->used < length) return false;
  uint8_t *copy = outbox->arena + outbox->used;
  memcpy(copy, bytes, length);
  outbox->used += length;
  int i = outbox->tail++;
  struct msghdr *header = &outbox->headers[i].msg_hdr;
  outbox->vectors[i].iov_base = copy;
  outbox->vectors[i].iov_len = length;
  header->msg_iov = &outbox->vectors[i];
  header->msg_iovlen = 1;
  header->msg_name = &outbox->names[i];
  header->msg_namelen = cls_sockaddr(remote, &outbox->names[i]);
  header->msg_controllen = store_source(outbox->controls[i], local, !cls_is_v4(remote));
  header->msg_control = header->msg_controllen ? outbox->controls[i] : NULL;
  outbox->tags[i] = tag;
  return true;
}

static void start_over_when_empty(cls_outbox *outbox) {
  if (outbox->head < outbox->tail) return;
  outbox->head = outbox->tail = 0;
  outbox->used = 0;
}

int cls_outbox_flush(cls_outbox *outbox, int fd) {
  while (outbox->head < outbox->tail) {
    int sent = sendmmsg(
      fd, outbox->headers + outbox->head, (unsigned)(outbox->tail - outbox->head), MSG_DONTWAIT);
    if (sent > 0) outbox->head += sent;
    else if (sent < 0 && errno != EINTR) return -errno;
  }
  start_over_when_empty(outbox);
  return 0;
}

uint64_t cls_outbox_drop_first(cls_outbox *outbox, cls_endpoint *remote) {
  int i = outbox->head;
  if (i >= outbox->tail) return 0;
  outbox->head++;
  *remote = cls_endpoint_of(&outbox->names[i]);
  uint64_t tag = outbox->tags[i];
  start_over_when_empty(outbox);
  return tag;
}

int cls_send(int fd, const uint8_t *bytes, size_t length, const cls_endpoint *remote) {
  struct sockaddr_storage address;
  socklen_t size = remote ? cls_sockaddr(remote, &address) : 0;
  ssize_t sent =
    sendto(fd, bytes, length, MSG_DONTWAIT, remote ? (struct sockaddr *)&address : NULL, size);
  return sent >= 0 ? 0 : -errno;
}

int cls_receive_error(
  int fd, cls_endpoint *destination, int *error, uint8_t *quote, size_t capacity, size_t *length) {
  uint8_t control[512];
  struct sockaddr_storage name;
  struct iovec vector = {quote, capacity};
  struct msghdr header = {
    .msg_name = &name, .msg_namelen = sizeof name, .msg_iov = &vector, .msg_iovlen = 1,
    .msg_control = control, .msg_controllen = sizeof control};
  ssize_t count = recvmsg(fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT);
  if (count < 0) return errno == EAGAIN || errno == EINTR ? 0 : -errno;
  *length = (size_t)count;
  *destination = cls_endpoint_of(&name);
  *error = 0;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
    bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
    bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
    if (!v4 && !v6) continue;
    struct sock_extended_err report;
    memcpy(&report, CMSG_DATA(c), sizeof report);
    *error = (int)report.ee_errno;
  }
  return 1;
}

// ---- waiting

int cls_epoll_open(void) {
  int fd = epoll_create1(EPOLL_CLOEXEC);
  return fd >= 0 ? fd : -errno;
}

int cls_epoll_watch(int epoll, int fd, uint64_t token) {
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = token};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

int cls_epoll_unwatch(int epoll, int fd) {
  return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL) == 0 ? 0 : -errno;
}

#define READY_AT_ONCE 256

int cls_epoll_wait(int epoll, cls_ready *ready, int capacity, int64_t timeout_ns) {
  struct epoll_event events[READY_AT_ONCE];
  if (capacity > READY_AT_ONCE) capacity = READY_AT_ONCE;
  int count;
  if (timeout_ns == 0) {
    count = epoll_wait(epoll, events, capacity, 0);
  } else {
    struct timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    count = epoll_pwait2(epoll, events, capacity, timeout_ns < 0 ? NULL : &timeout, NULL);
    if (count < 0 && errno == ENOSYS) {
      int64_t ms = timeout_ns < 0 ? -1 : (timeout_ns + 999999) / 1000000;
      count = epoll_wait(epoll, events, capacity, ms > INT32_MAX ? INT32_MAX : (int)ms);
    }
  }
  if (count < 0) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < count; i++) {
    ready[i].token = events[i].data.u64;
    ready[i].error = (events[i].events & EPOLLERR) != 0;
  }
  return count;
}

int cls_event_open(void) {
  int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return fd >= 0 ? fd : -errno;
}

void cls_event_signal(int fd) { eventfd_write(fd, 1); }

void cls_event_clear(int fd) {
  eventfd_t count;
  eventfd_read(fd, &count);
}

void cls_name_thread(const char *name) {
  char cut[16];
  snprintf(cut, sizeof cut, "%s", name);
  pthread_setname_np(pthread_self(), cut);
}

int64_t cls_raise_descriptor_limit(int64_t wanted) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -errno;
  if ((int64_t)limit.rlim_cur >= wanted) return (int64_t)limit.rlim_cur;
  struct rlimit raised = {
    (rlim_t)wanted, limit.rlim_max > (rlim_t)wanted ? limit.rlim_max : (rlim_t)wanted};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return wanted;
  // Without privilege the hard limit is the end.
  raised.rlim_cur = raised.rlim_max = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return (int64_t)limit.rlim_max;
  return (int64_t)limit.rlim_cur;
}
