// A message that is sent again until it has its answer, in doubled pauses (RFC 3261 §17.1).
#pragma once
#include "net.h"

typedef struct {
  char bytes[BYTES];
  size_t length;  // zero: nothing waits
  Endpoint to;
  double at, pause, longest;
} Repeated;

static inline void send_once(Port *port, const char *bytes, size_t length, Endpoint to) {
  memcpy(room(port, to), bytes, length);
  queue(port, length);
}

static inline void send_repeated(Port *port, Repeated *kept, const char *bytes, size_t length, Endpoint to, double longest) {
  *kept = (Repeated){.length = length, .to = to, .pause = 0.5, .longest = longest, .at = seconds() + 0.5};
  memcpy(kept->bytes, bytes, length);
  send_once(port, bytes, length, to);
}

// Whether it was sent again.
static inline bool repeat_due(Port *port, Repeated *kept, double now) {
  if (kept->length == 0 || now < kept->at) return false;
  send_once(port, kept->bytes, kept->length, kept->to);
  kept->pause = kept->pause * 2 < kept->longest ? kept->pause * 2 : kept->longest;
  kept->at = now + kept->pause;
  return true;
}
