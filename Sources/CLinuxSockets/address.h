#ifndef CLS_ADDRESS_H
#define CLS_ADDRESS_H
// Between cls_endpoint and sockaddr; shared by the files of this target.
#include "CLinuxSockets.h"

#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define V4_MAPPED 0xFFFF00000000ull

static inline bool cls_is_v4(const cls_endpoint *endpoint) {
  return endpoint->high == 0 && endpoint->low >> 32 == 0xFFFF;
}

static inline void cls_load_v6(const struct in6_addr *address, cls_endpoint *endpoint) {
  uint64_t halves[2];
  memcpy(halves, address, sizeof halves);
  endpoint->high = be64toh(halves[0]);
  endpoint->low = be64toh(halves[1]);
}

static inline void cls_store_v6(const cls_endpoint *endpoint, struct in6_addr *address) {
  uint64_t halves[2] = {htobe64(endpoint->high), htobe64(endpoint->low)};
  memcpy(address, halves, sizeof halves);
}

static inline cls_endpoint cls_endpoint_of(const struct sockaddr_storage *address) {
  cls_endpoint endpoint = {0, 0, 0};
  if (address->ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    endpoint.low = V4_MAPPED | ntohl(v4->sin_addr.s_addr);
    endpoint.port = ntohs(v4->sin_port);
  } else if (address->ss_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    cls_load_v6(&v6->sin6_addr, &endpoint);
    endpoint.port = ntohs(v6->sin6_port);
  }
  return endpoint;
}

static inline socklen_t cls_sockaddr(
  const cls_endpoint *endpoint, struct sockaddr_storage *address) {
  if (cls_is_v4(endpoint)) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    memset(v4, 0, sizeof *v4);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(endpoint->port);
    v4->sin_addr.s_addr = htonl((uint32_t)endpoint->low);
    return sizeof *v4;
  }
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
  memset(v6, 0, sizeof *v6);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(endpoint->port);
  cls_store_v6(endpoint, &v6->sin6_addr);
  return sizeof *v6;
}
#endif
