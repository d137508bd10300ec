#include "sys/timer_calls.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

namespace talos::sys {

int64_t boot_time_ms() {
  struct timespec now = {};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

Result<UniqueFd> create_boot_timer() {
  UniqueFd fd(::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!fd) return last_error("timerfd_create");
  return fd;
}

Result<void> arm_boot_timer(int fd, int64_t at_ms) {
  struct itimerspec when = {};
  if (at_ms >= 0) {
    // Zero would disarm it.
    const int64_t at = std::max<int64_t>(at_ms, 1);
    when.it_value.tv_sec = at / 1000;
    when.it_value.tv_nsec = at % 1000 * 1'000'000;
  }
  if (::timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, nullptr) == -1) return last_error("timerfd_settime");
  return {};
}

Result<bool> take_expiry(int fd) {
  uint64_t count;
  for (;;) {
    if (::read(fd, &count, sizeof count) == static_cast<ssize_t>(sizeof count)) return true;
    if (errno == EAGAIN) return false;
    if (errno != EINTR) return last_error("read");
  }
}

}  // namespace talos::sys
