#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <resolv.h>
#include <stdlib.h>

#include "address.h"

// Asks `server` and no other; the state frees what stands in nsaddrs when it is closed.
static int use_server(res_state state, const cls_endpoint *server) {
  struct sockaddr_storage address;
  socklen_t length = cls_sockaddr(server, &address);
  state->nscount = 1;
  if (cls_is_v4(server)) {
    memcpy(&state->nsaddr_list[0], &address, length);
    return 0;
  }
  struct sockaddr_in6 *v6 = malloc(sizeof *v6);
  if (!v6) return -ENOMEM;
  memcpy(v6, &address, length);
  free(state->_u._ext.nsaddrs[0]);
  state->nsaddr_list[0].sin_family = 0;
  state->_u._ext.nsaddrs[0] = v6;
  state->_u._ext.nscount = 1;
  return 0;
}

int cls_dns_query(
  const char *name, int type, const cls_endpoint *server, int timeout_s, int attempts,
  uint8_t *answer, int capacity) {
  struct __res_state state;
  memset(&state, 0, sizeof state);
  if (res_ninit(&state) != 0) return -EINVAL;
  state.retrans = timeout_s;
  state.retry = attempts;
  if (server->port != 0 && use_server(&state, server) != 0) {
    res_nclose(&state);
    return -ENOMEM;
  }
  unsigned char query[NS_MAXDNAME + NS_PACKETSZ];
  int length = res_nmkquery(
    &state, ns_o_query, name, ns_c_in, type, NULL, 0, NULL, query, sizeof query);
  int result = length < 0 ? -EINVAL : res_nsend(&state, query, length, answer, capacity);
  if (result < 0 && length >= 0) result = errno != 0 ? -errno : -ETIMEDOUT;
  res_nclose(&state);
  return result > capacity ? capacity : result;
}

int cls_host_addresses(const char *name, cls_endpoint *addresses, int capacity) {
  struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG};
  struct addrinfo *list = NULL;
  if (getaddrinfo(name, NULL, &hints, &list) != 0) return 0;
  int count = 0;
  for (struct addrinfo *one = list; one && count < capacity; one = one->ai_next) {
    struct sockaddr_storage address;
    memset(&address, 0, sizeof address);
    memcpy(&address, one->ai_addr, one->ai_addrlen);
    addresses[count++] = cls_endpoint_of(&address);
  }
  freeaddrinfo(list);
  return count;
}
