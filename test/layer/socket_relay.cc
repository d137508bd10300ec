// Lets a test reach a socket of the node from outside: each TCP connection leads to a connection of a Unix socket, bytes go both
// ways.
//
//   socket-relay PORT PATH
//
// One process a connection, until both ends have said that nothing comes any more. It prints "listening" when it does.
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int kBacklog = 16;
constexpr size_t kChunkBytes = 65536;

int connect_to(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address.sun_path) return -1;
  strcpy(address.sun_path, path);
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;
  if (connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
  return descriptor;
}

// What there is, from one to the other. False: nothing comes any more, and the other end was told.
bool pass(int from, int to) {
  static char buffer[kChunkBytes];
  ssize_t length = read(from, buffer, sizeof buffer);
  if (length <= 0) {
    shutdown(to, SHUT_WR);
    return false;
  }
  for (ssize_t at = 0; at < length;) {
    ssize_t written = write(to, buffer + at, static_cast<size_t>(length - at));
    if (written <= 0) return false;
    at += written;
  }
  return true;
}

void relay(int left, int right) {
  // A negative descriptor is one that poll(2) leaves out.
  pollfd ends[] = {{left, POLLIN, 0}, {right, POLLIN, 0}};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    if (poll(ends, 2, -1) < 0) return;
    if (ends[0].revents != 0 && !pass(left, right)) ends[0].fd = -1;
    if (ends[1].revents != 0 && !pass(right, left)) ends[1].fd = -1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  // Nobody waits for the processes of connections.
  signal(SIGCHLD, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(strtoul(argv[1], nullptr, 10)));
  int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener, kBacklog) != 0) {
    perror("socket-relay");
    return 1;
  }
  printf("listening\n");
  fflush(stdout);
  for (;;) {
    int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    if (fork() == 0) {
      int server = connect_to(argv[2]);
      if (server >= 0) relay(client, server);
      _exit(server >= 0 ? 0 : 1);
    }
    close(client);
  }
}
