// Writes numbered lines steadily, so that a test can tell whether a reader lost, doubled or reordered any.
//
//   chatty LINES_PER_SECOND [BURST [TEXT]]   a line at each tick; first TEXT as a line of its own, and BURST lines at once
//
// A line: "chatty NUMBER MICROSECONDS padding", NUMBER from 1 without a gap, MICROSECONDS of CLOCK_REALTIME when it was written,
// 100 bytes in all with its newline. SIGTERM ends it after the line it is at.
#include <signal.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int kLineBytes = 100;

volatile sig_atomic_t stopped = 0;

bool write_line(uint64_t number) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  char line[kLineBytes + 1];
  int length =
      snprintf(line, sizeof line, "chatty %llu %llu ", static_cast<unsigned long long>(number),
               static_cast<unsigned long long>(now.tv_sec) * 1'000'000 + static_cast<unsigned long long>(now.tv_nsec) / 1000);
  memset(line + length, '.', static_cast<size_t>(kLineBytes - 1 - length));
  line[kLineBytes - 1] = '\n';
  return write(1, line, kLineBytes) == kLineBytes;
}

}  // namespace

int main(int argc, char** argv) {
  long rate = argc > 1 ? strtol(argv[1], nullptr, 10) : 10;
  uint64_t burst = argc > 2 ? strtoull(argv[2], nullptr, 10) : 0;
  if (rate < 1 || rate > 1'000'000) return 2;
  using Sigaction = struct sigaction;
  Sigaction stop{};
  stop.sa_handler = [](int) { stopped = 1; };
  sigaction(SIGTERM, &stop, nullptr);

  if (argc > 3 && dprintf(1, "%s\n", argv[3]) < 0) return 1;
  uint64_t number = 0;
  while (number < burst && stopped == 0) {
    if (!write_line(++number)) return 1;
  }
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  long interval = 1'000'000'000 / rate;
  itimerspec period{};
  period.it_interval = {interval / 1'000'000'000, interval % 1'000'000'000};
  period.it_value = period.it_interval;
  if (timer < 0 || timerfd_settime(timer, 0, &period, nullptr) != 0) return 1;
  while (stopped == 0) {
    // Ticks that went by while the machine was busy are made up for: the rate holds on average.
    uint64_t ticks = 0;
    if (read(timer, &ticks, sizeof ticks) != sizeof ticks) continue;
    for (; ticks > 0 && stopped == 0; ticks--) {
      if (!write_line(++number)) return 1;
    }
  }
  return 0;
}
