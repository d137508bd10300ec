// Writes COUNT different lines of 100 bytes, 64,000 bytes a write: what a service that logs a lot does, and no more work than
// that.
//
//   line_generator COUNT                 to standard output
//   line_generator COUNT SOCKET NAME     to journald's stream socket, introduced as systemd-cat does it
//                                        (the header is in sd_journal_stream_fd(3) and the sources of systemd-cat(1))
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

constexpr size_t kLineBytes = 100;
constexpr size_t kLines = 640;
constexpr size_t kDigits = 12;
// What systemd gives the standard output of its services.
constexpr int kSendBufferBytes = 8 * 1024 * 1024;

[[noreturn]] void fail(const char* what) {
  perror(what);
  exit(1);
}

void write_all(int file, const char* bytes, size_t size) {
  while (size > 0) {
    ssize_t wrote = write(file, bytes, size);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) fail("write");
    bytes += wrote;
    size -= static_cast<size_t>(wrote);
  }
}

int connect_to_journal(const char* path, const std::string& name) {
  int stream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  if (stream < 0 || connect(stream, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("connect");
  shutdown(stream, SHUT_RD);
  setsockopt(stream, SOL_SOCKET, SO_SNDBUFFORCE, &kSendBufferBytes, sizeof kSendBufferBytes);
  // Identifier, unit, priority (info), level prefixes (no), forwarding to syslog, kernel log and console (no).
  std::string header = name + "\n\n6\n0\n0\n0\n0\n";
  write_all(stream, header.data(), header.size());
  return stream;
}

// The number of a line is its first digits, counted up in place.
void count_up(char* digits) {
  for (size_t at = kDigits; at-- > 0;) {
    if (++digits[at] <= '9') return;
    digits[at] = '0';
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) return 2;
  const unsigned long count = strtoul(argv[1], nullptr, 10);
  const int out = argc == 4 ? connect_to_journal(argv[2], argv[3]) : STDOUT_FILENO;
  std::string line =
      std::string(kDigits, '0') + " the quick brown fox jumps over the lazy dog, and then it does so again and again and again";
  line.resize(kLineBytes - 1, '.');
  line += '\n';
  std::string block;
  std::string number(kDigits, '0');
  for (unsigned long done = 0; done < count;) {
    const size_t lines = count - done < kLines ? count - done : kLines;
    if (block.size() != lines * kLineBytes) {
      block.clear();
      for (size_t i = 0; i < lines; ++i) block += line;
    }
    for (size_t i = 0; i < lines; ++i) {
      memcpy(block.data() + i * kLineBytes, number.data(), kDigits);
      count_up(number.data());
    }
    write_all(out, block.data(), block.size());
    done += lines;
  }
  return 0;
}
