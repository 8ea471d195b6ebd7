/*
 * The load generator: thousands of WebSockets in one thread, for as little CPU as the system calls allow, as it
 * shares the machine with the servers that it measures. Compiled by the bench where there is a C compiler;
 * js/main.ts does the same where there is none. Linux only (epoll, timerfd).
 *
 * One command a line on stdin, one answer a line on stdout (JSON, but for "steady" and "end" events as well):
 *
 *   open LABEL IP PORT COUNT CONCURRENCY WIRE TOKENS PATH        WIRE chat or socketio; TOKENS a file with one a
 *                                                                line, or -
 *   text LABEL PAYLOAD                                           sends the text on every socket of LABEL
 *   send RATE SECONDS WARM WINDOW BYTES SAMPLE STREAMS           RATE messages a second over all streams, or with 0:
 *                                                                WINDOW unacknowledged ones per stream; STREAMS a
 *                                                                file with "socket room members" a line, those of
 *                                                                one room together
 *   listen SECONDS WARM SAMPLE                                   counts what comes without sending (the floor)
 *   close LABEL                                                  LABEL -1: all
 *   count                                                        how many sockets are open
 *
 * The ledger is exact on every socket. A message's text holds ~, its run (2 hex digits), stream (4), number in the
 * stream (8) and the moment at which it was due (12, microseconds): each socket must see 1, 2, 3 ... of each stream
 * it is a member of. Latency counts from the due moment, so a generator that lags makes the figures worse, never
 * better.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES (512 * 1024)
#define EVENTS 256
/* Sends whose acknowledgement is awaited, by their number; a power of two. */
#define PENDING (1u << 20)
#define CONNECT_TIMEOUT_US 30000000ull
/* A drain ends when nothing came for so long, or after this time in any case. */
#define QUIET_US 3000000ull
#define DRAIN_US 30000000ull
/* Connections per source address: well below the range of ephemeral ports. */
#define PER_ADDRESS 16000
#define MARK 27

enum state { UNUSED, CONNECTING, UPGRADING, GREETING, READY, CLOSED };
enum wire { CHAT, SOCKETIO };
enum mode { IDLE, OPENING, SENDING, LISTENING, DRAINING };

typedef struct {
  int fd, label;
  uint8_t state, wire, dirty, wants_out;
  uint8_t *rest, *out;
  uint32_t rest_len, rest_cap, out_len, out_cap;
  uint64_t since;
  uint32_t *last;  /* number by stream */
  uint64_t *dates; /* of the last message by room */
  const char *token;
} conn_t;

typedef struct {
  uint32_t conn, members, seq, in_flight, place;
  char room[40];
} stream_t;

typedef struct {
  uint64_t at;
  uint32_t stream;
} pending_t;

/* Microseconds in buckets of at most 1.6 % width. */
#define SUB 64
#define BUCKETS (40 * SUB)
typedef struct {
  uint64_t count, max, bucket[BUCKETS];
} hist_t;

static int ep, timer;
static conn_t *conns;
static uint32_t conn_count, conn_cap;
static uint32_t *dirty;
static uint32_t dirty_count;
static uint8_t *buffer;
static int8_t hexval[256];
static char *token_text, **tokens, token_path[1024];
static uint32_t token_count;

static enum mode mode = IDLE;

static struct {
  int label, port, concurrency, wire;
  uint32_t count, started, ok, failed, in_flight;
  char ip[64], path[512];
  uint64_t since, until;
  hist_t latency;
} opening;

static stream_t *streams;
static uint32_t stream_count, room_count, next_stream;
static pending_t *pending;
static struct {
  uint8_t id;
  double rate;
  uint32_t window, bytes, sample, sampled;
  uint64_t start, steady_at, end_at, drain_since, last_progress, next;
  int steady_told, listening;
  uint64_t sent, acked, received, expected, gaps, duplicates, disorder, stale, others, errors, closed, payload_bytes, reads;
  char first_error[256];
  int close_code;
  hist_t latency, remote, stored, ack;
} run;

static uint64_t clock_us(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
#define now_us() clock_us(CLOCK_MONOTONIC)

static double cpu_seconds(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void die(const char *what) {
  fprintf(stderr, "generator: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void record(hist_t *h, uint64_t us) {
  uint32_t b = us;
  if (us >= SUB) {
    uint32_t shift = 63 - __builtin_clzll(us) - 6;
    b = (shift + 1) * SUB + (uint32_t)((us >> shift) - SUB);
    if (b >= BUCKETS) b = BUCKETS - 1;
  }
  h->bucket[b]++;
  h->count++;
  if (us > h->max) h->max = us;
}

static double percentile(const hist_t *h, double q) {
  uint64_t rank = (uint64_t)(q * h->count), seen = 0;
  if (h->count == 0) return 0;
  for (uint32_t b = 0; b < BUCKETS; b++) {
    seen += h->bucket[b];
    if (seen <= rank && b < BUCKETS - 1) continue;
    if (b < SUB) return b / 1000.0;
    uint32_t shift = b / SUB - 1;
    return (((uint64_t)(b % SUB + SUB) << shift) + ((1ull << shift) >> 1)) / 1000.0;
  }
  return h->max / 1000.0;
}

static void print_hist(const char *name, const hist_t *h) {
  printf(",\"%s\":{\"count\":%llu,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f}", name,
         (unsigned long long)h->count, percentile(h, 0.5), percentile(h, 0.9), percentile(h, 0.99),
         percentile(h, 0.999), h->max / 1000.0);
}

static uint64_t hex(const uint8_t *p, int n) {
  uint64_t v = 0;
  for (int i = 0; i < n; i++) v = v << 4 | (uint8_t)hexval[p[i]];
  return v;
}

/* ---- sockets ---- */

static void reserve(uint8_t **p, uint32_t *cap, uint32_t need) {
  if (*cap >= need) return;
  uint32_t size = *cap ? *cap : 256;
  while (size < need) size *= 2;
  *p = realloc(*p, size);
  if (!*p) die("realloc");
  *cap = size;
}

static void watch(conn_t *c, int op, int out) {
  struct epoll_event e = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.u32 = (uint32_t)(c - conns)};
  c->wants_out = out;
  if (epoll_ctl(ep, op, c->fd, &e) < 0) die("epoll_ctl");
}

static void drop(conn_t *c) {
  if (c->state == CLOSED) return;
  struct linger at_once = {1, 0};
  setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(c->fd);
  free(c->rest);
  free(c->out);
  free(c->last);
  free(c->dates);
  c->last = NULL;
  c->dates = NULL;
  c->rest = c->out = NULL;
  c->rest_len = c->rest_cap = c->out_len = c->out_cap = 0;
  c->state = CLOSED;
}

static void lost(conn_t *c) {
  if (c->state == CLOSED) return;
  if (c->state < READY) {
    opening.failed++;
    opening.in_flight--;
  } else
    run.closed++;
  drop(c);
}

static void put(conn_t *c, const void *bytes, uint32_t n) {
  reserve(&c->out, &c->out_cap, c->out_len + n);
  memcpy(c->out + c->out_len, bytes, n);
  c->out_len += n;
  if (c->dirty) return;
  c->dirty = 1;
  dirty[dirty_count++] = (uint32_t)(c - conns);
}

/* Clients must mask; a key of zeros leaves the bytes as they are. */
static void put_frame(conn_t *c, int opcode, const void *payload, uint32_t n) {
  uint8_t head[8] = {(uint8_t)(0x80 | opcode)};
  uint32_t h = 2;
  if (n < 126)
    head[1] = (uint8_t)(0x80 | n);
  else {
    head[1] = 0x80 | 126;
    head[2] = (uint8_t)(n >> 8);
    head[3] = (uint8_t)n;
    h = 4;
  }
  uint8_t key[4] = {0};
  put(c, head, h);
  put(c, key, 4);
  put(c, payload, n);
}

static void flush_conn(conn_t *c) {
  if (c->state == CLOSED || c->state == CONNECTING || c->out_len == 0) return;
  ssize_t n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0) {
    if (errno != EAGAIN) {
      lost(c);
      return;
    }
    n = 0;
  }
  c->out_len -= (uint32_t)n;
  if (c->out_len) memmove(c->out, c->out + n, c->out_len);
  if ((c->out_len > 0) != c->wants_out) watch(c, EPOLL_CTL_MOD, c->out_len > 0);
}

static void flush_all(void) {
  for (uint32_t i = 0; i < dirty_count; i++) {
    conn_t *c = &conns[dirty[i]];
    c->dirty = 0;
    flush_conn(c);
  }
  dirty_count = 0;
}

static void connect_next(void) {
  if (conn_count == conn_cap) {
    conn_cap = conn_cap ? conn_cap * 2 : 1024;
    conns = realloc(conns, conn_cap * sizeof *conns);
    dirty = realloc(dirty, conn_cap * sizeof *dirty);
    if (!conns || !dirty) die("realloc");
  }
  conn_t *c = &conns[conn_count];
  memset(c, 0, sizeof *c);
  c->label = opening.label;
  c->wire = (uint8_t)opening.wire;
  c->token = token_count ? tokens[opening.started % token_count] : NULL;
  c->since = now_us();
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) die("socket");
  int one = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opening.port)};
  inet_pton(AF_INET, opening.ip, &to.sin_addr);
  if ((ntohl(to.sin_addr.s_addr) >> 24) == 127) {
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(0x7f000001u + (conn_count / PER_ADDRESS) % 200);
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(c->fd, (struct sockaddr *)&from, sizeof from) < 0) die("bind");
  }
  conn_count++;
  opening.started++;
  opening.in_flight++;
  c->state = CONNECTING;
  if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) {
    lost(c);
    return;
  }
  watch(c, EPOLL_CTL_ADD, 1);
}

static void connected(conn_t *c) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) {
    lost(c);
    return;
  }
  char request[2048];
  int n = snprintf(request, sizeof request,
                   "GET %s HTTP/1.1\r\nHost: %s:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s%s\r\n",
                   opening.path, opening.ip, opening.port, c->token ? "Authorization: Bearer " : "",
                   c->token ? c->token : "", c->token ? "\r\n" : "");
  c->state = UPGRADING;
  put(c, request, (uint32_t)n);
}

static void ready(conn_t *c) {
  if (c->state == READY) return;
  c->state = READY;
  opening.ok++;
  opening.in_flight--;
  record(&opening.latency, now_us() - c->since);
}

/* ---- frames ---- */

static void send_on(uint32_t index, uint64_t due) {
  stream_t *s = &streams[index];
  conn_t *c = &conns[s->conn];
  if (c->state != READY) return;
  char text[1024], frame[1400];
  uint32_t number = (uint32_t)run.sent;
  int n = snprintf(text, sizeof text, "~%02x%04x%08x%012llx", run.id, index, ++s->seq, (unsigned long long)due);
  while (n < (int)run.bytes && n < (int)sizeof text - 1) text[n++] = 'x';
  text[n] = 0;
  if (c->wire == CHAT)
    n = snprintf(frame, sizeof frame,
                 "{\"type\":\"message\",\"data\":{\"roomId\":\"%s\",\"message\":\"%s\"},\"cid\":\"%02x.%08x\"}", s->room,
                 text, run.id, number);
  else
    n = snprintf(frame, sizeof frame, "42%u[\"message\",{\"roomId\":\"%s\",\"message\":\"%s\"}]", number, s->room,
                 text);
  pending[number % PENDING] = (pending_t){now_us(), index};
  run.sent++;
  s->in_flight++;
  run.expected += s->members;
  put_frame(c, 1, frame, (uint32_t)n);
}

static void on_ack(uint32_t number, uint64_t now) {
  pending_t *p = &pending[number % PENDING];
  if (p->at == 0) {
    run.others++;
    return;
  }
  run.acked++;
  streams[p->stream].in_flight--;
  if (p->at >= run.steady_at) record(&run.ack, now - p->at);
  p->at = 0;
  if (run.rate == 0 && mode == SENDING) send_on(p->stream, now);
}

/*
 * The date before ,"message":"~ in microseconds, 0 when it does not stand there with six decimals.
 * {"type":"message","data":{"from":1,"date":1615480369.123456,"message":"~...
 */
static uint64_t date_before(const uint8_t *p, const uint8_t *mark) {
  if (mark - p < 30 || mark[-30] != ':' || mark[-19] != '.') return 0;
  uint64_t date = 0;
  for (const uint8_t *d = mark - 29; d < mark - 12; d++)
    if (*d != '.') date = date * 10 + (*d - '0');
  return date;
}

static void on_message(conn_t *c, const uint8_t *p, size_t n, uint64_t now) {
  const uint8_t *m = memchr(p, '~', n);
  if (!m || m + MARK > p + n || !c->last) {
    run.others++;
    return;
  }
  if (hex(m + 1, 2) != run.id) {
    run.stale++;
    return;
  }
  uint32_t stream = (uint32_t)hex(m + 3, 4), seq = (uint32_t)hex(m + 7, 8);
  if (stream >= stream_count) {
    run.others++;
    return;
  }
  uint32_t last = c->last[stream];
  run.received++;
  run.payload_bytes += n;
  if (seq == last + 1 || (run.listening && last == 0))
    c->last[stream] = seq;
  else if (seq <= last)
    run.duplicates++;
  else {
    run.gaps += seq - last - 1;
    c->last[stream] = seq;
  }
  uint64_t date = c->wire == CHAT ? date_before(p, m) : 0;
  if (date) {
    uint64_t *before = &c->dates[streams[stream].place];
    if (date <= *before) run.disorder++;
    *before = date;
  }
  if (++run.sampled < run.sample) return;
  run.sampled = 0;
  uint64_t due = hex(m + 15, 12);
  if (due < run.steady_at || due > run.end_at) return;
  uint64_t took = now > due ? now - due : 0;
  record(&run.latency, took);
  if (run.listening || conns[streams[stream].conn].label == c->label) return;
  record(&run.remote, took);
  if (!date) return;
  /* Given by Redis' clock, which is this machine's. */
  uint64_t here = clock_us(CLOCK_REALTIME);
  record(&run.stored, here > date ? here - date : 0);
}

static void on_error(const uint8_t *p, size_t n) {
  if (run.errors++ == 0)
    for (size_t i = 0; i < n && i < sizeof run.first_error - 1; i++)
      run.first_error[i] = p[i] == '"' || p[i] == '\\' || p[i] < 32 ? '\'' : (char)p[i];
}

static void on_chat(conn_t *c, const uint8_t *p, size_t n, uint64_t now) {
  if (n < 12) return;
  switch (p[9]) { /* {"type":"x */
    case 'm':
      on_message(c, p, n, now);
      return;
    case 'a': {
      const uint8_t *cid = memmem(p, n, "\"cid\":\"", 7);
      if (cid && hex(cid + 7, 2) == run.id) on_ack((uint32_t)hex(cid + 10, 8), now);
      return;
    }
    case 'h':
      ready(c);
      return;
    case 'e':
      on_error(p, n);
      return;
    default:
      run.others++;
  }
}

/* Engine.IO and Socket.IO packets: https://socket.io/docs/v4/socket-io-protocol/ */
static void on_socketio(conn_t *c, const uint8_t *p, size_t n, uint64_t now) {
  if (p[0] == '2')
    put_frame(c, 1, "3", 1);
  else if (p[0] == '0')
    put_frame(c, 1, "40", 2);
  else if (p[0] == '4' && n > 1) {
    if (p[1] == '2')
      on_message(c, p, n, now);
    else if (p[1] == '3')
      on_ack((uint32_t)strtoul((const char *)p + 2, NULL, 10), now);
    else if (p[1] == '0')
      ready(c);
    else
      on_error(p, n);
  }
}

static size_t walk(conn_t *c, const uint8_t *b, size_t n, uint64_t now) {
  size_t i = 0;
  while (n - i >= 2 && c->state != CLOSED) {
    size_t len = b[i + 1] & 127, head = 2;
    if (len == 126) {
      if (n - i < 4) break;
      len = (size_t)b[i + 2] << 8 | b[i + 3];
      head = 4;
    } else if (len == 127) {
      if (n - i < 10) break;
      len = 0;
      for (int k = 2; k < 10; k++) len = len << 8 | b[i + k];
      head = 10;
    }
    if (n - i < head + len) break;
    const uint8_t *p = b + i + head;
    switch (b[i] & 15) {
      case 1:
        if (len == 0) break;
        if (c->wire == CHAT)
          on_chat(c, p, len, now);
        else
          on_socketio(c, p, len, now);
        break;
      case 8:
        if (len >= 2) run.close_code = p[0] << 8 | p[1];
        lost(c);
        return n;
      case 9:
        put_frame(c, 10, p, (uint32_t)len);
    }
    i += head + len;
  }
  return i;
}

/* How much of the answer to the upgrade is its head; 0 when it is not all there, -1 when it refuses. */
static ssize_t head_of(const uint8_t *b, size_t n) {
  const uint8_t *end = memmem(b, n, "\r\n\r\n", 4);
  if (!end) return 0;
  if (memcmp(b, "HTTP/1.1 101", 12) != 0) {
    on_error(b, n);
    return -1;
  }
  return end + 4 - b;
}

static void readable(conn_t *c) {
  if (c->rest_len) memcpy(buffer, c->rest, c->rest_len);
  ssize_t got = recv(c->fd, buffer + c->rest_len, READ_BYTES - c->rest_len, MSG_DONTWAIT);
  if (got <= 0) {
    if (got == 0 || errno != EAGAIN) lost(c);
    return;
  }
  run.reads++;
  uint64_t now = now_us();
  size_t n = c->rest_len + (size_t)got, used = 0;
  if (c->state == UPGRADING) {
    ssize_t head = head_of(buffer, n);
    if (head < 0) {
      lost(c);
      return;
    }
    if (head > 0) c->state = GREETING;
    used = (size_t)head;
  }
  if (c->state >= GREETING) used += walk(c, buffer + used, n - used, now);
  if (c->state == CLOSED) return;
  c->rest_len = (uint32_t)(n - used);
  if (c->rest_len == 0) return;
  reserve(&c->rest, &c->rest_cap, c->rest_len);
  memcpy(c->rest, buffer + used, c->rest_len);
}

/* ---- commands ---- */

static void load_tokens(const char *path) {
  if (strcmp(path, "-") == 0) {
    token_count = 0;
    token_path[0] = 0;
    return;
  }
  if (strcmp(path, token_path) == 0) return;
  FILE *f = fopen(path, "r");
  if (!f) die(path);
  fseek(f, 0, SEEK_END);
  long size = ftell(f);
  rewind(f);
  token_text = malloc((size_t)size + 1); /* kept: sockets point into it */
  if (!token_text || fread(token_text, 1, (size_t)size, f) != (size_t)size) die(path);
  token_text[size] = 0;
  fclose(f);
  tokens = NULL;
  token_count = 0;
  for (char *line = strtok(token_text, "\n"); line; line = strtok(NULL, "\n")) {
    if ((token_count & 1023) == 0) tokens = realloc(tokens, (token_count + 1024) * sizeof *tokens);
    tokens[token_count++] = line;
  }
  snprintf(token_path, sizeof token_path, "%s", path);
}

static void load_streams(const char *path) {
  FILE *f = fopen(path, "r");
  if (!f) die(path);
  free(streams);
  streams = NULL;
  stream_count = room_count = 0;
  stream_t s = {0};
  while (fscanf(f, "%u %39s %u", &s.conn, s.room, &s.members) == 3) {
    /* Streams of one room stand together. */
    int same = stream_count && strcmp(streams[stream_count - 1].room, s.room) == 0;
    s.place = same ? room_count - 1 : room_count++;
    if ((stream_count & 1023) == 0) streams = realloc(streams, (stream_count + 1024) * sizeof *streams);
    streams[stream_count++] = s;
  }
  fclose(f);
}

static void start_run(double seconds, double warm, uint32_t sample) {
  uint8_t id = run.id;
  memset(&run, 0, sizeof run);
  run.id = (uint8_t)(id % 255 + 1);
  memset(pending, 0, PENDING * sizeof *pending);
  run.sample = sample ? sample : 1;
  run.start = now_us() + 20000;
  run.next = 0;
  run.steady_at = run.start + (uint64_t)(warm * 1e6);
  run.end_at = run.steady_at + (uint64_t)(seconds * 1e6);
  next_stream = 0;
  for (uint32_t i = 0; i < conn_count; i++) {
    free(conns[i].last);
    free(conns[i].dates);
    int open = conns[i].state == READY;
    conns[i].last = open ? calloc(stream_count, sizeof(uint32_t)) : NULL;
    conns[i].dates = open ? calloc(room_count, sizeof(uint64_t)) : NULL;
  }
}

static void command(char *line) {
  char a[1024], b[64], path[512];
  double rate, seconds, warm;
  uint32_t window, bytes, sample;
  int label;
  if (sscanf(line, "open %d %63s %d %u %d %63s %1023s %511s", &opening.label, opening.ip, &opening.port,
             &opening.count, &opening.concurrency, b, a, path) == 8) {
    opening.wire = strcmp(b, "chat") == 0 ? CHAT : SOCKETIO;
    snprintf(opening.path, sizeof opening.path, "%s", path);
    load_tokens(a);
    opening.started = opening.ok = opening.failed = opening.in_flight = 0;
    memset(&opening.latency, 0, sizeof opening.latency);
    run.errors = 0;
    memset(run.first_error, 0, sizeof run.first_error);
    opening.since = now_us();
    opening.until = opening.since + CONNECT_TIMEOUT_US;
    mode = OPENING;
  } else if (sscanf(line, "send %lf %lf %lf %u %u %u %1023s", &rate, &seconds, &warm, &window, &bytes, &sample, a) == 7) {
    load_streams(a);
    start_run(seconds, warm, sample);
    run.rate = rate;
    run.window = window;
    run.bytes = bytes;
    mode = SENDING;
  } else if (sscanf(line, "listen %lf %lf %u", &seconds, &warm, &sample) == 3) {
    free(streams);
    streams = calloc(1, sizeof *streams);
    stream_count = room_count = 1;
    start_run(seconds, warm, sample);
    run.id = 0;
    run.listening = 1;
    mode = LISTENING;
  } else if (sscanf(line, "close %d", &label) == 1) {
    uint32_t closed = 0, open = 0;
    for (uint32_t i = 0; i < conn_count; i++) {
      if (conns[i].state != CLOSED && (label < 0 || conns[i].label == label)) {
        drop(&conns[i]);
        closed++;
      } else if (conns[i].state != CLOSED)
        open++;
    }
    if (open == 0) conn_count = dirty_count = 0;
    printf("{\"closed\":%u}\n", closed);
  } else if (sscanf(line, "text %d %n", &label, (int *)&window) == 1) {
    char *payload = line + window;
    for (uint32_t i = 0; i < conn_count; i++)
      if (conns[i].state == READY && (label < 0 || conns[i].label == label))
        put_frame(&conns[i], 1, payload, (uint32_t)strlen(payload));
    printf("{\"told\":true}\n");
  } else if (strcmp(line, "count") == 0) {
    uint32_t open = 0, first = 0;
    for (uint32_t i = 0; i < conn_count; i++) {
      if (conns[i].state == READY) open++;
      else if (first == 0) first = i + 1;
    }
    printf("{\"open\":%u,\"closed\":%u,\"firstClosed\":%u,\"closeCode\":%d,\"firstError\":\"%s\"}\n", open,
           conn_count - open, first, run.close_code, run.first_error);
  } else {
    fprintf(stderr, "generator: no command: %s\n", line);
    exit(1);
  }
}

static void commands(void) {
  static char text[8192];
  static size_t length;
  ssize_t n = read(0, text + length, sizeof text - 1 - length);
  if (n <= 0) exit(0); /* the bench is gone */
  length += (size_t)n;
  text[length] = 0;
  char *end;
  while ((end = memchr(text, '\n', length))) {
    *end = 0;
    command(text);
    length -= (size_t)(end + 1 - text);
    memmove(text, end + 1, length + 1);
  }
}

/* ---- what happens with time ---- */

static void event(const char *name) {
  printf("{\"event\":\"%s\",\"received\":%llu,\"acked\":%llu,\"sent\":%llu,\"cpu\":%.6f}\n", name,
         (unsigned long long)run.received, (unsigned long long)run.acked, (unsigned long long)run.sent, cpu_seconds());
  fflush(stdout);
}

static void finish(void) {
  uint64_t incomplete = 0;
  for (uint32_t s = 0; s < stream_count && !run.listening; s++) {
    uint32_t complete = 0;
    for (uint32_t i = 0; i < conn_count; i++) {
      if (!conns[i].last) continue;
      uint32_t last = conns[i].last[s];
      if (last == streams[s].seq && last) complete++;
      else if (last) incomplete++;
    }
    if (streams[s].seq && complete != streams[s].members)
      incomplete += complete > streams[s].members ? complete - streams[s].members : streams[s].members - complete;
  }
  printf("{\"sent\":%llu,\"acked\":%llu,\"received\":%llu,\"expected\":%llu,\"gaps\":%llu,\"duplicates\":%llu,"
         "\"disorder\":%llu,"
         "\"incomplete\":%llu,\"stale\":%llu,\"others\":%llu,\"errors\":%llu,\"closed\":%llu,\"closeCode\":%d,"
         "\"reads\":%llu,\"payloadBytes\":%llu,\"drainMs\":%.1f,\"firstError\":\"%s\"",
         (unsigned long long)run.sent, (unsigned long long)run.acked, (unsigned long long)run.received,
         (unsigned long long)run.expected, (unsigned long long)run.gaps, (unsigned long long)run.duplicates,
         (unsigned long long)run.disorder, (unsigned long long)incomplete, (unsigned long long)run.stale, (unsigned long long)run.others,
         (unsigned long long)run.errors, (unsigned long long)run.closed, run.close_code,
         (unsigned long long)run.reads, (unsigned long long)run.payload_bytes,
         (run.last_progress > run.end_at ? run.last_progress - run.end_at : 0) / 1000.0, run.first_error);
  print_hist("latency", &run.latency);
  print_hist("remote", &run.remote);
  print_hist("stored", &run.stored);
  print_hist("ack", &run.ack);
  printf("}\n");
  mode = IDLE;
}

static void arm(uint64_t at) {
  struct itimerspec t = {.it_value = {.tv_sec = (time_t)(at / 1000000), .tv_nsec = (long)(at % 1000000) * 1000}};
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &t, NULL);
}

static void send_due(uint64_t now) {
  if (run.rate == 0) {
    if (run.next++ == 0)
      for (uint32_t s = 0; s < stream_count; s++)
        for (uint32_t w = 0; w < run.window; w++) send_on(s, now);
    arm(run.steady_told ? run.end_at : run.steady_at);
    return;
  }
  uint64_t due;
  while ((due = run.start + (uint64_t)((double)run.next * 1e6 / run.rate)) <= now && due < run.end_at) {
    send_on(next_stream, due);
    next_stream = (next_stream + 1) % stream_count;
    run.next++;
  }
  arm(due < run.end_at ? due : run.end_at);
}

static void step(void) {
  uint64_t now = now_us();
  switch (mode) {
    case IDLE:
      break;
    case OPENING: {
      uint32_t asked = opening.count;
      while (opening.in_flight < (uint32_t)opening.concurrency && opening.started < asked) connect_next();
      if (now > opening.until)
        for (uint32_t i = 0; i < conn_count; i++)
          if (conns[i].state < READY) lost(&conns[i]);
      if (opening.in_flight || opening.started < asked) break;
      printf("{\"opened\":%u,\"failed\":%u,\"seconds\":%.6f,\"firstError\":\"%s\"", opening.ok, opening.failed,
             (now - opening.since) / 1e6, run.first_error);
      print_hist("latency", &opening.latency);
      printf("}\n");
      mode = IDLE;
      break;
    }
    case SENDING:
    case LISTENING:
      if (!run.steady_told && now >= run.steady_at) {
        run.steady_told = 1;
        event("steady");
      }
      if (now >= run.end_at) {
        // What was due before the end is part of the load, however late this process woke up.
        if (mode == SENDING) send_due(now);
        event("end");
        if (mode == LISTENING) {
          finish();
          break;
        }
        mode = DRAINING;
        run.drain_since = run.last_progress = now;
      } else if (mode == SENDING)
        send_due(now);
      else
        arm(run.steady_told ? run.end_at : run.steady_at);
      break;
    case DRAINING: {
      static uint64_t seen;
      if (run.received + run.acked != seen) {
        seen = run.received + run.acked;
        run.last_progress = now;
      }
      int done = run.received >= run.expected && run.acked >= run.sent;
      if (done || now - run.last_progress > QUIET_US || now - run.drain_since > DRAIN_US) finish();
    }
  }
}

int main(void) {
  memset(hexval, 0, sizeof hexval);
  for (int i = 0; i < 16; i++) hexval[(uint8_t)"0123456789abcdef"[i]] = (int8_t)i;
  signal(SIGPIPE, SIG_IGN);
  buffer = malloc(READ_BYTES + 64);
  pending = calloc(PENDING, sizeof *pending);
  ep = epoll_create1(0);
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  if (!buffer || !pending || ep < 0 || timer < 0) die("start");
  struct epoll_event e = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
  epoll_ctl(ep, EPOLL_CTL_ADD, 0, &e);
  e.data.u32 = UINT32_MAX - 1;
  epoll_ctl(ep, EPOLL_CTL_ADD, timer, &e);
  struct epoll_event events[EVENTS];
  for (;;) {
    int n = epoll_wait(ep, events, EVENTS, mode == OPENING || mode == DRAINING ? 10 : -1);
    for (int i = 0; i < n; i++) {
      uint32_t index = events[i].data.u32;
      if (index == UINT32_MAX)
        commands();
      else if (index == UINT32_MAX - 1) {
        uint64_t fired;
        if (read(timer, &fired, sizeof fired) < 0 && errno != EAGAIN) die("timer");
      } else if (index < conn_count) {
        conn_t *c = &conns[index];
        if (c->state == CLOSED) continue;
        if (c->state == CONNECTING) {
          connected(c);
          continue;
        }
        if (events[i].events & EPOLLOUT) flush_conn(c);
        if (c->state != CLOSED && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(c);
      }
    }
    step();
    flush_all();
    fflush(stdout);
  }
}
