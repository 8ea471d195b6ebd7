/*
 * The floor: the least that a fan-out can cost when each frame goes out by a system call of its own. Takes
 * connections, answers any request with 101 and a hello, and then sends one frame at a fixed rate to every socket, by
 * one send() each. Nothing is parsed, stored or relayed.
 *
 *   floor PORT RATE BYTES      RATE ticks a second, at whole multiples of 1/RATE s of the monotonic clock;
 *                              BYTES of each frame's payload
 *
 * Ticks start once nothing has connected for a second. Frames are those that the generator's "listen" reads.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MAX_SOCKETS 16384
#define QUIET_US 1000000ull

static int sockets[MAX_SOCKETS];
static uint32_t count;

static void die(const char *what) {
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The payload of length n begins after a header of 4 bytes. */
static void make_frame(uint8_t *frame, uint32_t n, uint32_t seq, uint64_t due) {
  frame[0] = 0x81;
  frame[1] = 126;
  frame[2] = (uint8_t)(n >> 8);
  frame[3] = (uint8_t)n;
  char head[160];
  int h = snprintf(head, sizeof head, "{\"type\":\"message\",\"data\":{\"message\":\"~000000%08x%012llx", seq,
                   (unsigned long long)due);
  memset(frame + 4, 'x', n);
  memcpy(frame + 4, head, (size_t)h);
  memcpy(frame + 4 + n - 3, "\"}}", 3);
}

static void answer(int fd) {
  static const char reply[] =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
      "\x81\x10{\"type\":\"hello\"}";
  char request[4096];
  if (recv(fd, request, sizeof request, MSG_DONTWAIT) <= 0) return;
  if (send(fd, reply, sizeof reply - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) die("send");
  if (count < MAX_SOCKETS) sockets[count++] = fd;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: floor PORT RATE BYTES\n");
    return 2;
  }
  double rate = atof(argv[2]);
  uint32_t bytes = (uint32_t)atoi(argv[3]), seq = 0;
  if (rate <= 0 || bytes < 126 || bytes > 65000) return 2;
  uint8_t *frame = malloc(bytes + 4);
  signal(SIGPIPE, SIG_IGN);
  int door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(door, (struct sockaddr *)&at, sizeof at) < 0 || listen(door, 4096) < 0) die("listen");
  int ep = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct epoll_event e = {.events = EPOLLIN, .data.fd = door}, events[64];
  epoll_ctl(ep, EPOLL_CTL_ADD, door, &e);
  e.data.fd = timer;
  epoll_ctl(ep, EPOLL_CTL_ADD, timer, &e);
  uint64_t last_connect = now_us(), tick = 0;
  for (;;) {
    int n = epoll_wait(ep, events, 64, tick ? -1 : 100);
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      if (fd == timer) continue;
      if (fd != door) {
        epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL);
        answer(fd);
        continue;
      }
      for (int client; (client = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        e.data.fd = client;
        epoll_ctl(ep, EPOLL_CTL_ADD, client, &e);
        last_connect = now_us();
      }
    }
    uint64_t now = now_us();
    if (count == 0 || now - last_connect < QUIET_US) continue;
    if (tick == 0) tick = (uint64_t)((double)now * rate / 1e6) + 1;
    uint64_t due;
    while ((due = (uint64_t)((double)tick * 1e6 / rate)) <= now) {
      make_frame(frame, bytes, ++seq, due);
      for (uint32_t i = 0; i < count; i++)
        if (send(sockets[i], frame, bytes + 4, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EPIPE) return 0;
      tick++;
      now = now_us();
    }
    uint64_t fired;
    if (read(timer, &fired, sizeof fired) < 0 && errno != EAGAIN) die("timer");
    struct itimerspec t = {.it_value = {.tv_sec = (time_t)(due / 1000000), .tv_nsec = (long)(due % 1000000) * 1000}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &t, NULL);
  }
}
