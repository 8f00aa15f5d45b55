#ifndef C_LINUX_SOCKETS_H
#define C_LINUX_SOCKETS_H
// The system calls that Swift's Glibc overlay hides or that need cmsg macros: datagrams in batches
// with their local address, ICMP errors, resolver queries. Only kernel structures are handled here;
// what a peer sent is passed on untouched and is read in Swift.
//
// Every function that can fail returns -errno.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// An address and port; IPv4 in its mapped form, halves in host order, as Elements.IPAddress.
typedef struct cls_endpoint {
  uint64_t high;
  uint64_t low;
  uint16_t port;
} cls_endpoint;

typedef struct cls_udp_options {
  /// Bytes for SO_RCVBUF and SO_SNDBUF; 0 leaves the system's. As root beyond net.core.*mem_max.
  int receive_buffer_bytes;
  int send_buffer_bytes;
  /// IP_PKTINFO: tells for each datagram which local address it was sent to.
  bool packet_info;
  /// IP_RECVERR: ICMP errors are kept for cls_receive_error.
  bool receive_errors;
  /// Differentiated services code point, RFC 2474; 46 is expedited forwarding.
  int dscp;
} cls_udp_options;

/// Opens, configures and binds a non-blocking datagram socket. Returns the descriptor or -errno.
int cls_udp_open(const cls_endpoint *local, const cls_udp_options *options, cls_endpoint *bound);

/// Passes datagrams of `remote` only, and lets it be sent to without an address; NULL: everybody's again.
int cls_udp_connect(int fd, const cls_endpoint *remote);

/// The address this machine would send from to reach `remote`; nothing is sent.
int cls_local_address(const cls_endpoint *remote, cls_endpoint *local);

/// One received datagram; `bytes` belongs to the inbox until the next cls_receive.
typedef struct cls_datagram {
  uint8_t *bytes;
  uint32_t length;
  /// The datagram was longer than a slot of the inbox: it is cut and must not be used.
  bool truncated;
  cls_endpoint remote;
  /// The local address (port 0); zero halves where packet_info is off.
  cls_endpoint local;
} cls_datagram;

typedef struct cls_inbox cls_inbox;
/// Returns NULL without memory. Untouched slots cost address space only.
cls_inbox *cls_inbox_make(int slots, int slot_bytes);
void cls_inbox_free(cls_inbox *inbox);
/// The array that cls_receive fills.
cls_datagram *cls_inbox_datagrams(cls_inbox *inbox);
/// recvmmsg: returns the number received, 0 when nothing waits, or -errno.
int cls_receive(cls_inbox *inbox, int fd);

/// recvfrom into one slot: returns 1, 0 when nothing waits, or -errno. The local address is not told.
///
/// Costs less than cls_receive where one datagram is what waits, as for a stream of RTP.
int cls_receive_one(cls_inbox *inbox, int slot, int fd);

/// One instruction of classic BPF, laid out as the kernel's sock_filter.
typedef struct cls_filter_step {
  uint16_t code;
  uint8_t yes, no;
  uint32_t value;
} cls_filter_step;
/// Has the kernel run a program for each datagram before it waits to be received; without steps none. Returns 0 or -errno.
int cls_udp_filter(int fd, const cls_filter_step *steps, size_t count);
/// How many datagrams of a socket were dropped, by its program or because too many waited; wraps around.
uint32_t cls_udp_dropped(int fd);

typedef struct cls_outbox cls_outbox;
/// A queue of datagrams of one socket: copies are kept in an arena that starts over when it is empty.
cls_outbox *cls_outbox_make(int slots, size_t arena_bytes);
void cls_outbox_free(cls_outbox *outbox);
int cls_outbox_count(const cls_outbox *outbox);
/// Copies a datagram into the queue. `local` with zero halves lets the kernel choose the source.
/// Returns false when the queue or its arena is full.
bool cls_outbox_add(
  cls_outbox *outbox, const uint8_t *bytes, size_t length, const cls_endpoint *remote,
  const cls_endpoint *local, uint64_t tag);
/// sendmmsg until the queue is empty. Returns 0, -EAGAIN (the rest stays), or -errno of the first
/// datagram left, which stays too.
int cls_outbox_flush(cls_outbox *outbox, int fd);
/// The datagram at the head, given up after an error. Returns its tag.
uint64_t cls_outbox_drop_first(cls_outbox *outbox, cls_endpoint *remote);
/// sendto without waiting, or send where `remote` is NULL; returns 0 or -errno.
int cls_send(int fd, const uint8_t *bytes, size_t length, const cls_endpoint *remote);

/// Takes one ICMP error from the socket's error queue: the destination it is about, its errno, and in `quote` as
/// much as it repeats of the datagram. Returns 1, or 0 when the queue is empty, or -errno.
int cls_receive_error(
  int fd, cls_endpoint *destination, int *error, uint8_t *quote, size_t capacity, size_t *length);

/// A new epoll descriptor.
int cls_epoll_open(void);
/// Watches a descriptor for reading, level-triggered; `token` comes back from cls_epoll_wait.
int cls_epoll_watch(int epoll, int fd, uint64_t token);
int cls_epoll_unwatch(int epoll, int fd);
/// Something that became readable, or has an error to fetch.
typedef struct cls_ready {
  uint64_t token;
  bool error;
} cls_ready;
/// Waits with nanosecond precision (milliseconds before Linux 5.11, rounded up); a negative timeout
/// waits forever. Returns how many of `ready` are filled, or -errno.
int cls_epoll_wait(int epoll, cls_ready *ready, int capacity, int64_t timeout_ns);

/// A non-blocking eventfd: signalled from any thread, readable until cleared.
int cls_event_open(void);
void cls_event_signal(int fd);
void cls_event_clear(int fd);

/// Names the calling thread as debuggers and `top -H` show it; cut to 15 bytes.
void cls_name_thread(const char *name);

/// Raises RLIMIT_NOFILE towards `wanted`; returns what is in force afterwards.
int64_t cls_raise_descriptor_limit(int64_t wanted);

/// One DNS query by the system's resolver, or by `server` where it has a port. Blocks up to about
/// `timeout_s` times `attempts`. Returns the length of the answer, or -errno; an answer with an
/// error code in its header is an answer.
int cls_dns_query(
  const char *name, int type, const cls_endpoint *server, int timeout_s, int attempts,
  uint8_t *answer, int capacity);
/// getaddrinfo for what is not in DNS (hosts file, other name services). Returns the number found.
int cls_host_addresses(const char *name, cls_endpoint *addresses, int capacity);
#endif
