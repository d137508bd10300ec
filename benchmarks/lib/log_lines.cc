// The lines that log benchmarks stream, and the stopwatch for whoever fetches them.
//
//   log_lines make BYTES COUNT [FIRST]   writes COUNT lines of BYTES each (its newline included), numbered from FIRST (0)
//   log_lines check BYTES [PREFIX]       reads such lines from standard input, each behind a name of PREFIX bytes (0) that has numbers of its own;
//                                        prints {"lines","names","gaps","missing"} as JSON; exit code 1 when a line is torn, damaged, doubled or
//                                        out of order
//   log_lines fetch FILE BYTES PROGRAM…  runs PROGRAM with a pipe as its standard output, keeps what comes, at most BYTES, in FILE, and prints
//                                        {"bytes","startMs","streamMs","totalMs","cpuMs","peakKib","status"} as JSON
//
// A line is its number (12 digits), the CRC-32 of all else in it (8 hexadecimal digits) and letters that depend on the number.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <string>
#include <string_view>

namespace {

constexpr size_t kDigits = 12;
constexpr size_t kCrcDigits = 8;
// "NUMBER CRC ", then the letters and the newline.
constexpr size_t kHead = kDigits + 1 + kCrcDigits + 1;
constexpr size_t kBlockBytes = 64 * 1024;
constexpr size_t kReadBytes = 1024 * 1024;

[[noreturn]] void fail(const char* what) {
  perror(what);
  exit(1);
}

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xedb88320u : 0u);
    table[byte] = value;
  }
  return table;
}

uint32_t crc32(uint32_t crc, const char* bytes, size_t size) {
  static constexpr auto kTable = crc_table();
  crc = ~crc;
  for (size_t at = 0; at < size; ++at) crc = kTable[(crc ^ static_cast<uint8_t>(bytes[at])) & 0xff] ^ (crc >> 8);
  return ~crc;
}

// Of the number and the letters; the digits of the sum itself stand between them.
uint32_t sum_of(const char* line, size_t bytes) {
  return crc32(crc32(0, line, kDigits), line + kHead, bytes - 1 - kHead);
}

void put_line(char* line, size_t bytes, uint64_t number) {
  char digits[kDigits + 1];
  snprintf(digits, sizeof digits, "%012llu", static_cast<unsigned long long>(number));
  memcpy(line, digits, kDigits);
  line[kDigits] = ' ';
  uint64_t state = number * 0x9e3779b97f4a7c15u + 1;
  for (size_t at = kHead; at + 1 < bytes; ++at) {
    if ((at - kHead) % 8 == 0) state = state * 6364136223846793005u + 1442695040888963407u;
    line[at] = static_cast<char>('a' + ((state >> (8 + 7 * ((at - kHead) % 8))) & 15));
  }
  line[bytes - 1] = '\n';
  char crc[kCrcDigits + 1];
  snprintf(crc, sizeof crc, "%08x", sum_of(line, bytes));
  memcpy(line + kDigits + 1, crc, kCrcDigits);
  line[kHead - 1] = ' ';
}

void write_all(int file, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t wrote = write(file, bytes, size);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) fail("write");
    bytes += wrote;
    size -= static_cast<size_t>(wrote);
  }
}

int make(size_t bytes, uint64_t count, uint64_t first) {
  const size_t lines = bytes >= kBlockBytes ? 1 : kBlockBytes / bytes;
  std::string block(lines * bytes, '\0');
  for (uint64_t done = 0; done < count;) {
    size_t filled = 0;
    for (; filled < lines && done < count; ++filled, ++done) put_line(block.data() + filled * bytes, bytes, first + done);
    write_all(STDOUT_FILENO, block.data(), filled * bytes);
  }
  return 0;
}

// What has been seen of the lines of one name.
struct Sequence {
  uint64_t next = 0;
  uint64_t gaps = 0;
  uint64_t missing = 0;
};

// False: it is no line as it was made, or not after those that came before it.
bool check_line(const char* line, size_t bytes, Sequence& sequence) {
  char digits[kDigits + 1] = {};
  memcpy(digits, line, kDigits);
  char crc[kCrcDigits + 1] = {};
  memcpy(crc, line + kDigits + 1, kCrcDigits);
  const uint64_t number = strtoull(digits, nullptr, 10);
  if (line[bytes - 1] != '\n' || strtoul(crc, nullptr, 16) != sum_of(line, bytes) || number < sequence.next) return false;
  if (number > sequence.next) {
    sequence.gaps += 1;
    sequence.missing += number - sequence.next;
  }
  sequence.next = number + 1;
  return true;
}

int check(size_t line_bytes, size_t prefix) {
  const size_t bytes = prefix + line_bytes;
  std::string buffer(bytes > kReadBytes ? 2 * bytes : kReadBytes, '\0');
  std::map<std::string, Sequence, std::less<>> names;
  size_t held = 0;
  uint64_t lines = 0;
  for (;;) {
    const ssize_t got = read(STDIN_FILENO, buffer.data() + held, buffer.size() - held);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read");
    if (got == 0) break;
    held += static_cast<size_t>(got);
    size_t at = 0;
    for (; at + bytes <= held; at += bytes, ++lines) {
      const std::string_view name(buffer.data() + at, prefix);
      auto found = names.find(name);
      if (found == names.end()) found = names.emplace(name, Sequence{}).first;
      if (check_line(buffer.data() + at + prefix, line_bytes, found->second)) continue;
      fprintf(stderr, "line %llu is not as it was made\n", static_cast<unsigned long long>(lines));
      return 1;
    }
    memmove(buffer.data(), buffer.data() + at, held - at);
    held -= at;
  }
  if (held > 0) {
    fprintf(stderr, "%zu bytes after the last line\n", held);
    return 1;
  }
  Sequence all;
  for (const auto& [name, sequence] : names) {
    all.gaps += sequence.gaps;
    all.missing += sequence.missing;
  }
  printf("{\"lines\":%llu,\"names\":%zu,\"gaps\":%llu,\"missing\":%llu}\n", static_cast<unsigned long long>(lines), names.size(),
         static_cast<unsigned long long>(all.gaps), static_cast<unsigned long long>(all.missing));
  return 0;
}

double now_ms() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

double milliseconds(const timeval& time) { return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3; }

constexpr unsigned kDeadlineSeconds = 300;  // the slowest row takes some ten, on a busy machine

int fetch(const char* path, size_t capacity, char** program) {
  const int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, static_cast<off_t>(capacity)) != 0) fail(path);
  // Its pages are there before the clock starts: what is measured is who writes, not this.
  void* memory = mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
  if (memory == MAP_FAILED) fail("mmap");
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
  const double begun = now_ms();
  const pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    // It outlasts execve(2): a program that never ends is a failure to report, not one to wait for.
    alarm(kDeadlineSeconds);
    execvp(program[0], program);
    fail(program[0]);
  }
  close(ends[1]);
  size_t held = 0;
  double first = 0;
  double last = 0;
  for (;;) {
    if (held == capacity) {
      char more;
      if (read(ends[0], &more, 1) > 0) fail("more came than there is room for");
      break;
    }
    const ssize_t got = read(ends[0], static_cast<char*>(memory) + held, capacity - held);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read");
    if (got == 0) break;
    last = now_ms();
    if (held == 0) first = last;
    held += static_cast<size_t>(got);
  }
  int status = 0;
  rusage usage{};
  if (wait4(child, &status, 0, &usage) != child) fail("wait4");
  if (ftruncate(file, static_cast<off_t>(held)) != 0) fail(path);
  printf("{\"bytes\":%zu,\"startMs\":%.3f,\"streamMs\":%.3f,\"totalMs\":%.3f,\"cpuMs\":%.3f,\"peakKib\":%ld,\"status\":%d}\n", held, first - begun,
         last - first, now_ms() - begun, milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime), usage.ru_maxrss,
         WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 0;
}

size_t line_bytes(const char* text) {
  const size_t bytes = strtoull(text, nullptr, 10);
  if (bytes <= kHead) {
    fprintf(stderr, "a line has at least %zu bytes\n", kHead + 1);
    exit(2);
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "make" && (argc == 4 || argc == 5)) {
    return make(line_bytes(argv[2]), strtoull(argv[3], nullptr, 10), argc == 5 ? strtoull(argv[4], nullptr, 10) : 0);
  }
  if (what == "check" && (argc == 3 || argc == 4)) {
    return check(line_bytes(argv[2]), argc == 4 ? strtoull(argv[3], nullptr, 10) : 0);
  }
  if (what == "fetch" && argc >= 5) return fetch(argv[2], strtoull(argv[3], nullptr, 10), argv + 4);
  fprintf(stderr, "usage: log_lines make BYTES COUNT [FIRST] | check BYTES [PREFIX] | fetch FILE BYTES PROGRAM…\n");
  return 2;
}
