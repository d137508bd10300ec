// Load for a TCP proxy, and the server behind it, without a runtime of its own that would be measured too.
//
//   tcp_load serve PORT                            until it is killed
//   tcp_load download PORT BYTES CONNECTIONS       prints seconds
//   tcp_load ping PORT COUNT SIZE                  prints the nanoseconds of each round trip on one connection
//   tcp_load connect PORT COUNT                    prints the nanoseconds of each connection with one round trip on it
//
// A connection begins with eight bytes: how many bytes the server is to send; 0: it sends back whatever comes.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr size_t kBlock = 256 * 1024;

[[noreturn]] void fail(const char* what) {
  perror(what);
  exit(1);
}

void without_delay(int fd) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

sockaddr_in loopback(const char* port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(atoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool write_all(int fd, const char* bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(fd, bytes, count);
    if (written <= 0) return false;
    bytes += written;
    count -= static_cast<size_t>(written);
  }
  return true;
}

bool read_all(int fd, char* bytes, size_t count) {
  while (count > 0) {
    ssize_t got = read(fd, bytes, count);
    if (got <= 0) return false;
    bytes += got;
    count -= static_cast<size_t>(got);
  }
  return true;
}

void* serve_one(void* argument) {
  int fd = static_cast<int>(reinterpret_cast<intptr_t>(argument));
  static char block[kBlock];
  uint64_t wanted = 0;
  if (read_all(fd, reinterpret_cast<char*>(&wanted), sizeof wanted)) {
    if (wanted == 0) {
      char echo[16384];
      for (ssize_t got; (got = read(fd, echo, sizeof echo)) > 0;) {
        if (!write_all(fd, echo, static_cast<size_t>(got))) break;
      }
    }
    while (wanted > 0) {
      size_t piece = wanted < kBlock ? static_cast<size_t>(wanted) : kBlock;
      if (!write_all(fd, block, piece)) break;
      wanted -= piece;
    }
  }
  close(fd);
  return nullptr;
}

void start_thread(void* (*run)(void*), void* argument, pthread_t* thread) {
  if (pthread_create(thread, nullptr, run, argument) != 0) fail("pthread_create");
}

void serve(const char* port) {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  int one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address = loopback(port);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind");
  if (listen(listener, 1024) != 0) fail("listen");
  puts("listening");
  fflush(stdout);
  for (;;) {
    int fd = accept(listener, nullptr, nullptr);
    if (fd < 0) continue;
    without_delay(fd);
    pthread_t thread;
    start_thread(serve_one, reinterpret_cast<void*>(static_cast<intptr_t>(fd)), &thread);
    pthread_detach(thread);
  }
}

int connected(const char* port, uint64_t wanted) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(port);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("connect");
  without_delay(fd);
  if (!write_all(fd, reinterpret_cast<char*>(&wanted), sizeof wanted)) fail("write");
  return fd;
}

uint64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<uint64_t>(time.tv_nsec);
}

struct Download {
  const char* port;
  uint64_t bytes;
  pthread_t thread;
};

void* download_one(void* argument) {
  auto* download = static_cast<Download*>(argument);
  int fd = connected(download->port, download->bytes);
  char* block = static_cast<char*>(malloc(kBlock));
  uint64_t total = 0;
  for (ssize_t got; (got = read(fd, block, kBlock)) > 0;) total += static_cast<uint64_t>(got);
  if (total != download->bytes) fail("a download that is cut off");
  free(block);
  close(fd);
  return nullptr;
}

void download(const char* port, uint64_t bytes, int connections) {
  auto* all = static_cast<Download*>(calloc(static_cast<size_t>(connections), sizeof(Download)));
  uint64_t started = now_ns();
  for (int at = 0; at < connections; ++at) {
    all[at].port = port;
    all[at].bytes = bytes / static_cast<uint64_t>(connections);
    start_thread(download_one, &all[at], &all[at].thread);
  }
  for (int at = 0; at < connections; ++at) pthread_join(all[at].thread, nullptr);
  printf("%.6f\n", static_cast<double>(now_ns() - started) / 1e9);
}

void ping(const char* port, int count, size_t size) {
  int fd = connected(port, 0);
  char* bytes = static_cast<char*>(calloc(1, size));
  for (int at = 0; at < count; ++at) {
    uint64_t started = now_ns();
    if (!write_all(fd, bytes, size) || !read_all(fd, bytes, size)) fail("ping");
    printf("%llu\n", static_cast<unsigned long long>(now_ns() - started));
  }
}

void connect_again(const char* port, int count) {
  for (int at = 0; at < count; ++at) {
    uint64_t started = now_ns();
    int fd = connected(port, 0);
    char byte = 'x';
    if (!write_all(fd, &byte, 1) || !read_all(fd, &byte, 1)) fail("connect");
    printf("%llu\n", static_cast<unsigned long long>(now_ns() - started));
    close(fd);
  }
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  const char* verb = argc > 1 ? argv[1] : "";
  if (argc == 3 && strcmp(verb, "serve") == 0)
    serve(argv[2]);
  else if (argc == 5 && strcmp(verb, "download") == 0)
    download(argv[2], strtoull(argv[3], nullptr, 10), atoi(argv[4]));
  else if (argc == 5 && strcmp(verb, "ping") == 0)
    ping(argv[2], atoi(argv[3]), strtoul(argv[4], nullptr, 10));
  else if (argc == 4 && strcmp(verb, "connect") == 0)
    connect_again(argv[2], atoi(argv[3]));
  else
    return 2;
  return 0;
}
