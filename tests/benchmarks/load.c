/* An AMQP 0-9-1 load program: a publisher and a consumer on connections of their own, raw frames, nothing else.
 *
 *   load HOST PORT MODE SIZE COUNT persistent|transient [QUEUE | EXCHANGE KEYS]
 *     MODE  publish   COUNT messages, each confirmed, 1000 outstanding at most
 *           pipe      the same without confirms, while a consumer with prefetch 300 takes and acknowledges each
 *           pipeconf  both
 *           spread    as publish, to EXCHANGE, which exists, with the keys k00000, k00001 ... one after another
 *   Prints messages per second.
 *
 * cc -O2 -pthread -o load load.c
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct {
  int fd;
  unsigned char *in;
  size_t size, from, to;
} Connection;

static const char *host, *queue = "rmqctl.load";
static int port, size, persistent, confirms, consume;
static long count;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void put16(unsigned char *p, unsigned v) { p[0] = v >> 8, p[1] = v; }
static void put32(unsigned char *p, uint32_t v) { put16(p, v >> 16), put16(p + 2, v & 0xffff); }
static void put64(unsigned char *p, uint64_t v) { put32(p, v >> 32), put32(p + 4, (uint32_t)v); }
static unsigned get16(const unsigned char *p) { return p[0] << 8 | p[1]; }
static uint32_t get32(const unsigned char *p) { return (uint32_t)get16(p) << 16 | get16(p + 2); }
static uint64_t get64(const unsigned char *p) { return (uint64_t)get32(p) << 32 | get32(p + 4); }

static void send_all(Connection *c, const void *data, size_t length) {
  const char *p = data;
  while (length) {
    ssize_t sent = send(c->fd, p, length, MSG_NOSIGNAL);
    if (sent <= 0) die("send");
    p += sent, length -= sent;
  }
}

/* The next frame: its type, channel and payload, which stays valid until the call after. */
static const unsigned char *receive(Connection *c, int *type, uint32_t *length) {
  for (;;) {
    size_t have = c->to - c->from;
    if (have >= 7) {
      uint32_t n = get32(c->in + c->from + 3);
      if (have >= n + 8) {
        const unsigned char *frame = c->in + c->from;
        *type = frame[0], *length = n;
        c->from += n + 8;
        return frame + 7;
      }
    }
    if (c->from && c->size - c->to < 1 << 18) {
      memmove(c->in, c->in + c->from, have);
      c->from = 0, c->to = have;
    }
    ssize_t got = recv(c->fd, c->in + c->to, c->size - c->to, 0);
    if (got <= 0) die("recv");
    c->to += got;
  }
}

static size_t frame(unsigned char *p, int type, int channel, const void *payload, uint32_t length) {
  p[0] = type, put16(p + 1, channel), put32(p + 3, length);
  if (payload) memcpy(p + 7, payload, length);
  p[7 + length] = 0xce;
  return length + 8;
}

static void call(Connection *c, int channel, unsigned class, unsigned method, const void *arguments, size_t length) {
  unsigned char payload[512], out[600];
  put16(payload, class), put16(payload + 2, method);
  memcpy(payload + 4, arguments, length);
  send_all(c, out, frame(out, 1, channel, payload, length + 4));
}

static const unsigned char *expect(Connection *c, unsigned class, unsigned method) {
  int type;
  uint32_t length;
  for (;;) {
    const unsigned char *p = receive(c, &type, &length);
    if (type == 8) continue;
    if (type == 1 && get16(p) == class && get16(p + 2) == method) return p + 4;
    fprintf(stderr, "unexpected frame %d: %u.%u %.*s\n", type, get16(p), get16(p + 2), (int)(length > 7 ? length - 7 : 0), p + 7);
    exit(1);
  }
}

static Connection *open_connection(void) {
  Connection *c = calloc(1, sizeof *c);
  c->size = 1 << 22, c->in = malloc(c->size);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, host, &address.sin_addr);
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  int on = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(c->fd, (struct sockaddr *)&address, sizeof address)) die("connect");
  send_all(c, "AMQP\0\0\x09\x01", 8);
  expect(c, 10, 10);
  static const char start_ok[] = "\0\0\0\0\5PLAIN\0\0\0\14\0guest\0guest\5en_US";
  call(c, 0, 10, 11, start_ok, sizeof start_ok - 1);
  expect(c, 10, 30);
  call(c, 0, 10, 31, "\7\377\0\2\0\0\0\0", 8);
  call(c, 0, 10, 40, "\1/\0\0", 4);
  expect(c, 10, 41);
  call(c, 1, 20, 10, "\0", 1);
  expect(c, 20, 11);
  return c;
}

static size_t short_string(unsigned char *p, const char *text) {
  p[0] = strlen(text);
  memcpy(p + 1, text, p[0]);
  return p[0] + 1;
}

static void declare(Connection *c) {
  unsigned char a[300] = {0};
  size_t n = 2 + short_string(a + 2, queue);
  call(c, 1, 50, 40, a, n + 1);
  expect(c, 50, 41);
  a[n] = 2, put32(a + n + 1, 0);
  call(c, 1, 50, 10, a, n + 5);
  expect(c, 50, 11);
}

static void *consumer(void *argument) {
  Connection *c = argument;
  unsigned char ack[21], batch[21 * 64];
  int pending = 0;
  for (long done = 0; done < count;) {
    int type;
    uint32_t length;
    const unsigned char *p = receive(c, &type, &length);
    if (type != 1 || get16(p) != 60 || get16(p + 2) != 60) continue;
    uint64_t tag = get64(p + 5 + p[4]);
    unsigned char payload[13] = {0, 60, 0, 80};
    put64(payload + 4, tag);
    frame(ack, 1, 1, payload, 13);
    memcpy(batch + 21 * pending++, ack, 21);
    done++;
    /* Everything that has come is acknowledged before more is waited for. */
    if (pending == 64 || done == count || c->to - c->from < 8) send_all(c, batch, 21 * pending), pending = 0;
  }
  return NULL;
}

static long confirmed, lowest = 1;
static unsigned char *is_confirmed;

static void confirm(long tag) {
  if (tag <= count && !is_confirmed[tag]) is_confirmed[tag] = 1, confirmed++;
}

/* Confirms come in any order, and some stand for all up to their tag. */
static void wait_confirms(Connection *c, long until) {
  while (confirmed < until) {
    int type;
    uint32_t length;
    const unsigned char *p = receive(c, &type, &length);
    if (type != 1 || get16(p) != 60 || get16(p + 2) != 80) continue;
    long tag = get64(p + 4);
    if (!p[12]) confirm(tag);
    for (; p[12] && lowest <= tag; lowest++) confirm(lowest);
  }
}

int main(int argc, char **argv) {
  if (argc < 7) return fprintf(stderr, "load HOST PORT MODE SIZE COUNT persistent|transient [QUEUE | EXCHANGE KEYS]\n"), 64;
  host = argv[1], port = atoi(argv[2]), size = atoi(argv[4]), count = atol(argv[5]);
  is_confirmed = calloc(count + 1, 1);
  consume = strncmp(argv[3], "pipe", 4) == 0;
  confirms = strcmp(argv[3], "pipe") != 0;
  persistent = strcmp(argv[6], "persistent") == 0;
  int spread = strcmp(argv[3], "spread") == 0, keys = argc > 8 ? atoi(argv[8]) : 1, next = 0;
  if (argc > 7 && !spread) queue = argv[7];
  Connection *out = open_connection(), *in = NULL;
  if (!spread) declare(out);
  pthread_t thread;
  if (confirms) call(out, 1, 85, 10, "\0", 1), expect(out, 85, 11);
  if (consume) {
    in = open_connection();
    call(in, 1, 60, 10, "\0\0\0\0\1\54\0", 7);
    expect(in, 60, 11);
    unsigned char a[300] = {0};
    size_t n = 2 + short_string(a + 2, queue);
    n += short_string(a + n, "load");
    a[n] = 0, put32(a + n + 1, 0);
    call(in, 1, 60, 20, a, n + 5);
    expect(in, 60, 21);
  }
  unsigned char *message = malloc(size + 1024), payload[300] = {0, 60, 0, 40}, header[32] = {0, 60};
  size_t n = 6, length = 0;
  n += short_string(payload + n, spread ? argv[7] : "");
  n += short_string(payload + n, spread ? "k00000" : queue);
  length += frame(message, 1, 1, payload, n + 1);
  put64(header + 4, size), put16(header + 12, 0x1000), header[14] = persistent ? 2 : 1;
  length += frame(message + length, 2, 1, header, 15);
  for (int at = 0; at < size; at += 131064) {
    int piece = size - at < 131064 ? size - at : 131064;
    length += frame(message + length, 3, 1, NULL, piece);
    memset(message + length - piece - 1, 'x', piece);
    message[length - 1] = 0xce;
  }
  int group = size <= 4096 ? 50 : 1;
  unsigned char *many = malloc(length * group);
  for (int i = 0; i < group; i++) memcpy(many + i * length, message, length);
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  if (consume) pthread_create(&thread, NULL, consumer, in);
  for (long sent = 0; sent < count; sent += group) {
    for (int i = 0; spread && i < group; i++, next = (next + 1) % keys) {
      char digits[6];
      snprintf(digits, sizeof digits, "%05d", next);
      memcpy(many + i * length + 7 + n - 5, digits, 5);
    }
    send_all(out, many, length * (count - sent < group ? count - sent : group));
    if (confirms) wait_confirms(out, sent + group - 1000);
  }
  if (confirms) wait_confirms(out, count);
  if (consume) pthread_join(thread, NULL);
  if (!confirms && !consume) call(out, 1, 60, 10, "\0\0\0\0\0\0\0", 7), expect(out, 60, 11);
  clock_gettime(CLOCK_MONOTONIC, &to);
  printf("%.0f\n", count / (to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9));
  return 0;
}
