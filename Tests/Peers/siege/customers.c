// The customers of a server under siege: phones that hold calls with sound both ways, begin a new call so many times a second, and
// the carrier that they call. They note what a person would: calls that end by themselves, silence, calls that do not come about.
//
//   customers SERVER PORT OFFICE CARRIER FIRST_PORT DOMAIN FIRST_USER PHONES CALLS RATE NUMBER
//
// OFFICE and CARRIER are addresses of this host. The carrier listens on FIRST_PORT, media on + 2 and + 4, phone k on + 10 + k;
// without CALLS there is no carrier. Users are FIRST_USER and up with the password siege-USER-lantern. They register, set CALLS up
// and say "held"; then each call says a packet of 172 bytes each way every 20 ms, and RATE calls a second begin, talk for a second and
// hang up. What has no answer is repeated as RFC 3261 §17 asks, and given up after 32 s. Called numbers are NUMBER and seven digits,
// which name the call; the carrier is busy for all others.
//
// Standard input: "settle" begins no calls until those that have begun are over, prints what happened since the
// last time and goes on, "end" hangs up, prints the same and ends. The output is JSON.
#include "repeated.h"
#include "sip.h"

#define SLOTS 4096  // Calls at a time; a slot's number is twelve bits of its packets' source.
#define PHONES 64
#define MEDIA_SECONDS 0.02
#define TALK_SECONDS 1.0
#define PATIENCE_SECONDS 32.0
#define SAMPLES 65536

typedef enum { IDLE, ASKED, PROVEN, TALKING, ENDING } State;

typedef struct {
  Port *port;
  int user, state;
  char ha1[33], contact[64];
  Repeated request;
} Phone;

typedef struct {
  State state;
  bool is_held;
  int phone, turn;
  double begun, answered, until, talk_at;
  char route[512], target[256], to[256];
  Repeated request, answer;    // the phone's, and the carrier's 200 of an INVITE
  Endpoint media[2];           // where the server wants the phone's packets, and the carrier's
  double heard_at[2];          // when the phone heard the carrier last, and the carrier the phone; zero: never
  uint16_t sequence[2];
} Call;

typedef struct {
  long begun, succeeded, failed, lost, sent, heard, repeated;
  double longest_silence;
  int setup_count, status_counts[7];
  char first_failure[128];
} Report;

static Phone phones[PHONES];
static Call calls[SLOTS];
static float setups[SAMPLES];
static Report report;
static Port *carrier, *media[2];
static Endpoint server;
static const char *hosts[2], *domain, *number;  // the office's, where side 0 speaks, and the carrier's
static char carrier_text[64];
static int phone_count, held_count, used_slots, run;
static double rate;
static bool are_held, is_pausing, is_ending;

// ------------------------------------------------------------------------------------------------------------ registration

static void send_register(Phone *phone, const char *challenge) {
  char out[BYTES], proof[1024] = "", uri[128];
  snprintf(uri, sizeof uri, "sip:%s", domain);
  if (challenge) credentials(challenge, domain, phone->user, phone->ha1, "REGISTER", uri, proof);
  int length = snprintf(
      out, sizeof out,
      "REGISTER %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bKr%d-%d-%d\r\nFrom: <sip:%d@%s>;tag=r%d\r\n"
      "To: <sip:%d@%s>\r\nCall-ID: r%d-%d\r\nCSeq: %d REGISTER\r\nContact: <sip:%d@%s>\r\nMax-Forwards: 70\r\nExpires: 3600\r\n"
      "%sContent-Length: 0\r\n\r\n",
      uri, phone->contact, phone->user, run, challenge != NULL, phone->user, domain, run, phone->user, domain, phone->user, run,
      challenge ? 2 : 1, phone->user, phone->contact, proof);
  send_repeated(phone->port, &phone->request, out, (size_t)length, server, 4);
}

static void on_register_answer(Phone *phone, const char *message) {
  int status = status_of(message);
  if (status < 200 || phone->state == TALKING) return;
  phone->request.length = 0;
  if (status == 401 && phone->state == ASKED) {
    phone->state = PROVEN;
    send_register(phone, message);
  } else if (status == 200) {
    phone->state = TALKING;
  } else if (status != 401) {
    fprintf(stderr, "phone %d cannot register: %.*s\n", phone->user, (int)strcspn(message, "\r"), message);
    exit(1);
  }
}

// ------------------------------------------------------------------------------------------------------------------ calls

static int slot_of(const Call *call) { return (int)(call - calls); }

static void called_uri(const Call *call, char uri[128]) {
  snprintf(uri, 128, "sip:%s%04d%03d@%s", number, slot_of(call), call->turn % 1000, domain);
}

static size_t describe(char *out, size_t size, int side) {
  const char *host = hosts[side];
  int family = strchr(host, ':') ? 6 : 4;
  struct sockaddr_in6 bound;
  socklen_t length = sizeof bound;
  getsockname(media[side]->descriptor, (struct sockaddr *)&bound, &length);
  return (size_t)snprintf(
      out, size, "v=0\r\no=- 1 1 IN IP%d %s\r\ns=-\r\nc=IN IP%d %s\r\nt=0 0\r\nm=audio %d RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n",
      family, host, family, host, ntohs(bound.sin6_port));
}

static void send_invite(Call *call, const char *challenge) {
  Phone *phone = &phones[call->phone];
  char out[BYTES], body[512], uri[128], proof[1024] = "";
  called_uri(call, uri);
  size_t size = describe(body, sizeof body, 0);
  if (challenge) credentials(challenge, domain, phone->user, phone->ha1, "INVITE", uri, proof);
  int length = snprintf(
      out, sizeof out,
      "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bKi%d-%d-%d-%d\r\nFrom: <sip:%d@%s>;tag=f%d\r\nTo: <%s>\r\n"
      "Call-ID: i%d-%d-%d\r\nCSeq: %d INVITE\r\nContact: <sip:%d@%s>\r\nMax-Forwards: 70\r\n%sContent-Type: application/sdp\r\n"
      "Content-Length: %zu\r\n\r\n%s",
      uri, phone->contact, slot_of(call), call->turn, challenge ? 2 : 1, run, phone->user, domain, slot_of(call), uri, slot_of(call),
      call->turn, run, challenge ? 2 : 1, phone->user, phone->contact, proof, size, body);
  call->until = seconds() + PATIENCE_SECONDS;
  send_repeated(phone->port, &call->request, out, (size_t)length, server, 16);
}

// An ACK or BYE: within the dialog with its target, else on the INVITE's own branch.
static void send_follow(Call *call, const char *method, int sequence, bool in_dialog) {
  Phone *phone = &phones[call->phone];
  char out[BYTES], uri[128], branch[64];
  called_uri(call, uri);
  if (in_dialog) snprintf(branch, sizeof branch, "%s", method);
  else snprintf(branch, sizeof branch, "%d", sequence);
  int length = snprintf(
      out, sizeof out,
      "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bKi%d-%d-%s-%d\r\n%sFrom: <sip:%d@%s>;tag=f%d\r\nTo: %s\r\n"
      "Call-ID: i%d-%d-%d\r\nCSeq: %d %s\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
      method, in_dialog ? call->target : uri, phone->contact, slot_of(call), call->turn, branch, run, in_dialog ? call->route : "",
      phone->user, domain, slot_of(call), call->to, slot_of(call), call->turn, run, sequence, method);
  if (strcmp(method, "BYE") == 0) {
    call->until = seconds() + PATIENCE_SECONDS;
    send_repeated(phone->port, &call->request, out, (size_t)length, server, 4);
  } else {
    send_once(phone->port, out, (size_t)length, server);
  }
}

static void begin(Call *call, bool is_held) {
  static int next_phone;
  *call = (Call){.state = ASKED, .is_held = is_held, .phone = next_phone++ % phone_count, .turn = call->turn + 1, .begun = seconds()};
  report.begun += !is_held;
  send_invite(call, NULL);
}

static void hang_up(Call *call) {
  call->state = ENDING;
  send_follow(call, "BYE", 3, true);
}

// The call is over; `why` is empty where it went as its customer wanted.
static void over(Call *call, const char *why) {
  bool is_good = why[0] == 0;
  if (call->is_held && !are_held) {
    fprintf(stderr, "a call to be held did not come about: %s\n", why);
    exit(1);
  }
  if (call->is_held) {
    report.lost += !is_good;
  } else {
    report.succeeded += is_good;
    report.failed += !is_good;
  }
  if (!is_good && report.first_failure[0] == 0)
    snprintf(report.first_failure, sizeof report.first_failure, "%s", why);
  call->state = IDLE;
  call->request.length = call->answer.length = 0;
}

static void on_success(Call *call, const char *message) {
  char contact[300] = "", routes[480];
  header(message, "To:", call->to, sizeof call->to);
  header(message, "Contact:", contact, sizeof contact);
  const char *open = strchr(contact, '<');
  sscanf(open ? open + 1 : contact, "%255[^>]", call->target);
  call->route[0] = 0;
  if (copy_lines(message, "Record-Route:", routes, sizeof routes))
    snprintf(call->route, sizeof call->route, "Route:%s", strchr(routes, ':') + 1);
  send_follow(call, "ACK", 2, true);
  if (call->state != PROVEN || !media_address(message, &call->media[0])) return;
  call->state = TALKING;
  call->answered = call->talk_at = seconds();
  if (!call->is_held && report.setup_count < SAMPLES)
    setups[report.setup_count++] = (float)((call->answered - call->begun) * 1000);
}

static void on_call_answer(Call *call, const char *message) {
  int status = status_of(message), sequence = 0;
  char text[64], words[96];
  header(message, "CSeq:", text, sizeof text);
  sequence = atoi(text);
  if (strstr(text, "BYE")) {
    if (status < 200 || call->state != ENDING) return;
    bool is_heard = call->heard_at[0] > 0 && call->heard_at[1] > 0;
    snprintf(words, sizeof words, status != 200 ? "BYE got %d" : "nothing was heard", status);
    return over(call, status == 200 && is_heard ? "" : words);
  }
  if (strstr(text, "INVITE") == NULL) return;
  // A copy of what has been answered before.
  if (sequence != (call->state == ASKED ? 1 : 2)) return;
  if (call->state <= PROVEN) call->request.length = 0;
  if (status < 200) return;
  if (status < 300) return on_success(call, message);
  header(message, "To:", call->to, sizeof call->to);
  send_follow(call, "ACK", sequence, false);
  if (call->state == ASKED && (status == 401 || status == 407)) {
    call->state = PROVEN;
    send_invite(call, message);
  } else if (call->state <= PROVEN) {
    report.status_counts[status / 100]++;
    snprintf(words, sizeof words, "INVITE got %d", status);
    over(call, words);
  }
}

// ---------------------------------------------------------------------------------------------------- requests of the server

// The call that a Call-ID or a contact of ours names, if it is the one that is on.
static Call *named(const char *message, const char *before) {
  const char *found = strstr(message, before);
  int slot, turn;
  if (!found || sscanf(found + strlen(before), "%d-%d", &slot, &turn) != 2 || slot < 0 || slot >= SLOTS) return NULL;
  return turn == calls[slot].turn ? &calls[slot] : NULL;
}

// The call that is made to a number; the plus in front is not written by everybody.
static Call *called(const char *message) {
  const char *digits = number + strspn(number, "+"), *found = strstr(message, digits);
  int slot, turn;
  if (!found || sscanf(found + strlen(digits), "%4d%3d", &slot, &turn) != 2 || slot < 0 || slot >= SLOTS) return NULL;
  return turn == calls[slot].turn % 1000 && calls[slot].state != IDLE ? &calls[slot] : NULL;
}

static void answer(Port *port, Endpoint to, const char *message, const char *status, const char *tag, const char *more,
                   Repeated *repeated) {
  char out[BYTES], via[900], record[500], from[300], called[300], call_id[200], sequence[64];
  copy_lines(message, "Via:", via, sizeof via);
  copy_lines(message, "Record-Route:", record, sizeof record);
  header(message, "From:", from, sizeof from);
  header(message, "To:", called, sizeof called);
  header(message, "Call-ID:", call_id, sizeof call_id);
  header(message, "CSeq:", sequence, sizeof sequence);
  int length = snprintf(out, sizeof out, "SIP/2.0 %s\r\n%s%sFrom: %s\r\nTo: %s%s\r\nCall-ID: %s\r\nCSeq: %s\r\n%s", status, via, record,
                        from, called, strstr(called, "tag=") ? "" : tag, call_id, sequence, more);
  if (repeated) return send_repeated(port, repeated, out, (size_t)length, to, 4);
  send_once(port, out, (size_t)length, to);
}

static void on_carrier(const char *message, Endpoint from) {
  static const char *nothing = "Content-Length: 0\r\n\r\n";
  char tag[64], more[900], body[512];
  if (strncmp(message, "ACK", 3) == 0) {
    Call *call = named(message, "ACK sip:c");
    if (call) call->answer.length = 0;
  } else if (strncmp(message, "INVITE", 6) == 0) {
    Call *call = called(message);
    if (!call) return answer(carrier, from, message, "486 Busy Here", ";tag=b", nothing, NULL);
    if (call->answer.length) return;  // A copy; the 200 comes again by itself.
    media_address(message, &call->media[1]);
    snprintf(tag, sizeof tag, ";tag=c%d-%d", slot_of(call), call->turn);
    answer(carrier, from, message, "180 Ringing", tag, nothing, NULL);
    size_t size = describe(body, sizeof body, 1);
    snprintf(more, sizeof more, "Contact: <sip:c%d-%d@%s>\r\nContent-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
             slot_of(call), call->turn, carrier_text, size, body);
    answer(carrier, from, message, "200 OK", tag, more, &call->answer);
  } else if (strncmp(message, "SIP/2.0", 7) != 0) {
    answer(carrier, from, message, "200 OK", ";tag=b", nothing, NULL);
    Call *call = strncmp(message, "BYE", 3) == 0 ? named(message, "BYE sip:c") : NULL;
    if (call && call->state == TALKING) over(call, "the server hung up at the carrier");
  }
}

static void on_phone(Phone *phone, const char *message, Endpoint from) {
  if (status_of(message)) {
    const char *branch = strstr(message, ";branch=z9hG4bK");
    int slot, turn;
    if (branch && branch[15] == 'r') on_register_answer(phone, message);
    else if (branch && sscanf(branch + 15, "i%d-%d", &slot, &turn) == 2 && slot >= 0 && slot < SLOTS && calls[slot].turn == turn)
      on_call_answer(&calls[slot], message);
  } else if (strncmp(message, "ACK", 3) != 0) {
    answer(phone->port, from, message, "200 OK", ";tag=b", "Content-Length: 0\r\n\r\n", NULL);
    Call *call = strncmp(message, "BYE", 3) == 0 ? named(message, "Call-ID: i") : NULL;
    if (call && call->state == TALKING) over(call, "the server hung up at the phone");
  }
}

// ------------------------------------------------------------------------------------------------------------------ media

static void say(Call *call, int side) {
  // The source names the call's slot and turn, and the side that speaks.
  uint32_t words[3] = {htonl(0x80080000u | ++call->sequence[side]), htonl(call->sequence[side] * 160u),
                       htonl((uint32_t)call->turn << 13 | (uint32_t)slot_of(call) << 1 | (uint32_t)side)};
  if (call->media[side].any.sa_family == 0) return;
  char *out = room(media[side], call->media[side]);
  memcpy(out, words, sizeof words);
  memset(out + sizeof words, 0xD5, 160);
  queue(media[side], 172);
  report.sent += call->is_held;
}

static void listen_on(int side, double now, int budget) {
  int count = receive(media[side]);
  for (int index = 0; index < count; index++) {
    uint32_t source;
    memcpy(&source, media[side]->in_bytes[index] + 8, 4);
    source = ntohl(source);
    Call *call = &calls[source >> 1 & (SLOTS - 1)];
    bool is_theirs = (int)(source & 1) != side && source >> 13 == ((uint32_t)call->turn & 0x7FFFF);
    if (media[side]->in[index].msg_len != 172 || !is_theirs) continue;
    double silence = call->heard_at[side] > 0 ? now - call->heard_at[side] : 0;
    if (call->is_held && silence > report.longest_silence) report.longest_silence = silence;
    call->heard_at[side] = now;
    report.heard += call->is_held;
  }
  // Whoever comes back late has much to hear.
  if (count == BATCH && budget > 1) listen_on(side, now, budget - 1);
}

// --------------------------------------------------------------------------------------------------------------- the clock

static int by_value(const void *left, const void *right) {
  float first = *(const float *)left, second = *(const float *)right;
  return first < second ? -1 : first > second;
}

static void print_report(void) {
  double now = seconds();
  int held = 0;
  for (int slot = 0; slot < held_count; slot++) {
    Call *call = &calls[slot];
    if (call->state != TALKING) continue;
    held++;
    for (int side = 0; side < 2; side++)
      if (now - call->heard_at[side] > report.longest_silence) report.longest_silence = now - call->heard_at[side];
  }
  qsort(setups, (size_t)report.setup_count, sizeof *setups, by_value);
  double p50 = report.setup_count ? setups[report.setup_count / 2] : 0;
  double p99 = report.setup_count ? setups[(int)(0.99 * (report.setup_count - 1))] : 0;
  printf("{\"begun\": %ld, \"succeeded\": %ld, \"failed\": %ld, \"setup_p50_ms\": %.1f, \"setup_p99_ms\": %.1f, \"held\": %d, "
         "\"lost\": %ld, \"packets_sent\": %ld, \"packets_heard\": %ld, \"longest_silence_ms\": %.0f, \"repeated\": %ld, "
         "\"refused_4xx\": %d, \"refused_5xx\": %d, \"failure\": \"%s\"}\n",
         report.begun, report.succeeded, report.failed, p50, p99, held, report.lost, report.sent, report.heard,
         report.longest_silence * 1000, report.repeated, report.status_counts[4], report.status_counts[5], report.first_failure);
  fflush(stdout);
  report = (Report){0};
}

static bool is_quiet(void) {
  for (int slot = is_ending ? 0 : held_count; slot < used_slots; slot++)
    if (calls[slot].state != IDLE) return false;
  return true;
}

static void tick_call(Call *call, double now) {
  if (call->state == IDLE) return;
  report.repeated += repeat_due(phones[call->phone].port, &call->request, now);
  if (carrier) report.repeated += repeat_due(carrier, &call->answer, now);
  if (call->state == TALKING) {
    if (now >= call->talk_at) {
      say(call, 0);
      say(call, 1);
      // Who came late does not catch up in a burst.
      call->talk_at = now - call->talk_at > 5 * MEDIA_SECONDS ? now + MEDIA_SECONDS : call->talk_at + MEDIA_SECONDS;
    }
    if (call->is_held ? is_ending : now - call->answered > TALK_SECONDS) hang_up(call);
  } else if (now > call->until) {
    static const char *states[] = {"", "the first INVITE", "the INVITE with its digest", "", "BYE"};
    char words[96];
    snprintf(words, sizeof words, "no answer to %s", states[call->state]);
    over(call, words);
  }
}

// Begins what is due: calls to hold while they are not all there, then the others at their rate.
static void begin_due(double now) {
  static int held_begun;
  static double next_at;
  if (next_at == 0 || now - next_at > 1) next_at = now;
  while (now >= next_at && !is_pausing && !is_ending) {
    if (held_begun < held_count) {
      begin(&calls[held_begun++], true);
      next_at += 0.02;
      continue;
    }
    if (rate <= 0) break;
    next_at += 1 / rate;
    int slot = held_count;
    while (slot < SLOTS && calls[slot].state != IDLE) slot++;
    if (slot == SLOTS) continue;
    if (slot >= used_slots) used_slots = slot + 1;
    begin(&calls[slot], false);
  }
}

static void obey(void) {
  char line[64];
  if (!fgets(line, sizeof line, stdin)) exit(1);
  if (strncmp(line, "settle", 6) == 0) is_pausing = true;
  if (strncmp(line, "end", 3) == 0) is_ending = true;
}

static void flush_all(void) {
  for (int index = 0; index < phone_count; index++) flush_port(phones[index].port);
  if (carrier) flush_port(carrier);
  for (int side = 0; side < 2; side++) flush_port(media[side]);
}

static void turn(void) {
  struct pollfd wait[PHONES + 4] = {{0, POLLIN, 0}, {media[0]->descriptor, POLLIN, 0}, {media[1]->descriptor, POLLIN, 0}};
  int count = 3;
  for (int index = 0; index < phone_count; index++) wait[count++] = (struct pollfd){phones[index].port->descriptor, POLLIN, 0};
  if (carrier) wait[count++] = (struct pollfd){carrier->descriptor, POLLIN, 0};
  poll(wait, (nfds_t)count, 1);
  double now = seconds();
  if (wait[0].revents) obey();
  for (int side = 0; side < 2; side++) if (wait[1 + side].revents) listen_on(side, now, 64);
  for (int index = 0; index < phone_count; index++) {
    if (!wait[3 + index].revents) continue;
    Port *port = phones[index].port;
    for (int came = receive(port), place = 0; place < came; place++) on_phone(&phones[index], port->in_bytes[place], port->from[place]);
  }
  if (carrier && wait[count - 1].revents)
    for (int came = receive(carrier), place = 0; place < came; place++) on_carrier(carrier->in_bytes[place], carrier->from[place]);
  now = seconds();
  for (int index = 0; index < phone_count; index++)
    report.repeated += repeat_due(phones[index].port, &phones[index].request, now);
  for (int slot = 0; slot < used_slots; slot++) tick_call(&calls[slot], now);
}

static bool all_registered(void) {
  for (int index = 0; index < phone_count; index++) if (phones[index].state != TALKING) return false;
  return true;
}

static bool all_held(void) {
  for (int slot = 0; slot < held_count; slot++) if (calls[slot].state != TALKING) return false;
  return true;
}

static void open_phones(int first_port, int first_user) {
  for (int index = 0; index < phone_count; index++) {
    Phone *phone = &phones[index];
    char text[256];
    *phone = (Phone){.port = open_port(hosts[0], first_port + 10 + index), .user = first_user + index, .state = ASKED};
    write_endpoint(hosts[0], first_port + 10 + index, phone->contact);
    snprintf(text, sizeof text, "%d:%s:siege-%d-lantern", phone->user, domain, phone->user);
    md5(text, phone->ha1);
    send_register(phone, NULL);
  }
}

int main(int count, char **words) {
  if (count != 12) {
    fprintf(stderr, "usage: customers SERVER PORT OFFICE CARRIER FIRST_PORT DOMAIN FIRST_USER PHONES CALLS RATE NUMBER\n");
    return 2;
  }
  int first_port = atoi(words[5]);
  server = endpoint(words[1], atoi(words[2]));
  hosts[0] = words[3], hosts[1] = words[4], domain = words[6], number = words[11];
  phone_count = atoi(words[8]), held_count = atoi(words[9]), rate = atof(words[10]);
  used_slots = held_count;
  if (phone_count < 1 || phone_count > PHONES || held_count > SLOTS / 2) return 2;
  run = (int)getpid();
  setvbuf(stdin, NULL, _IONBF, 0);
  write_endpoint(hosts[1], first_port, carrier_text);
  if (held_count) carrier = open_port(hosts[1], first_port);
  for (int side = 0; side < 2; side++) media[side] = open_port(hosts[side], first_port + 2 + 2 * side);
  open_phones(first_port, atoi(words[7]));
  double quiet_since = 0;
  while (true) {
    flush_all();
    turn();
    if (!all_registered()) continue;
    if (!are_held && all_held()) {
      are_held = true;
      printf("held\n");
      fflush(stdout);
    }
    begin_due(seconds());
    double now = seconds();
    if (!(is_pausing || is_ending) || !is_quiet()) quiet_since = now;
    // The carrier's half of the last call ends a moment after the phone's.
    if (now - quiet_since < 0.2) continue;
    print_report();
    is_pausing = false;
    if (is_ending) return 0;
  }
}
