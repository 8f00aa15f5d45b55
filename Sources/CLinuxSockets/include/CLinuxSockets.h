#ifndef C_LINUX_SOCKETS_H
#define C_LINUX_SOCKETS_H
// What Swift's Glibc overlay hides: recvmmsg, sendmmsg and their structures.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/socket.h>
#endif
