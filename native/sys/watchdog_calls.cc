#include "sys/watchdog_calls.h"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

namespace talos::sys {
namespace {

Result<int> control(int fd, const std::string& path, unsigned long request, int value) {
  if (::ioctl(fd, request, &value) != 0) return last_error("ioctl", path);
  return value;
}

Result<uint32_t> control_seconds(int fd, const std::string& path, unsigned long request, uint32_t seconds) {
  auto set = control(fd, path, request, static_cast<int>(seconds));
  if (!set) return set.error();
  return static_cast<uint32_t>(set.value());
}

}  // namespace

Result<UniqueFd> open_watchdog(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return last_error("open", path);
  return fd;
}

Result<WatchdogSupport> watchdog_support(int fd, const std::string& path) {
  watchdog_info info = {};
  if (::ioctl(fd, WDIOC_GETSUPPORT, &info) != 0) return last_error("ioctl", path);
  const char* identity = reinterpret_cast<const char*>(info.identity);
  return WatchdogSupport{
      .identity = std::string(identity, ::strnlen(identity, sizeof info.identity)),
      .firmware_version = info.firmware_version,
      .has_magic_close = (info.options & WDIOF_MAGICCLOSE) != 0,
      .has_pretimeout = (info.options & WDIOF_PRETIMEOUT) != 0,
  };
}

Result<uint32_t> set_watchdog_timeout(int fd, const std::string& path, uint32_t seconds) {
  return control_seconds(fd, path, WDIOC_SETTIMEOUT, seconds);
}

Result<uint32_t> set_watchdog_pretimeout(int fd, const std::string& path, uint32_t seconds) {
  return control_seconds(fd, path, WDIOC_SETPRETIMEOUT, seconds);
}

Result<uint32_t> watchdog_timeout(int fd, const std::string& path) { return control_seconds(fd, path, WDIOC_GETTIMEOUT, 0); }

Result<void> keep_watchdog_alive(int fd, const std::string& path) {
  auto kept = control(fd, path, WDIOC_KEEPALIVE, 0);
  if (!kept) return kept.error();
  return {};
}

Result<void> allow_watchdog_stop(int fd, const std::string& path) {
  ssize_t count;
  do {
    count = ::write(fd, "V", 1);
  } while (count == -1 && errno == EINTR);
  if (count == -1) return last_error("write", path);
  return {};
}

std::optional<bool> is_watchdog_nowayout(int fd) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return std::nullopt;
  std::string device = std::to_string(major(status.st_rdev)) + ":" + std::to_string(minor(status.st_rdev));
  UniqueFd file(::open(("/sys/dev/char/" + device + "/nowayout").c_str(), O_RDONLY | O_CLOEXEC));
  char digit = 0;
  if (!file || ::read(file.get(), &digit, 1) != 1) return std::nullopt;
  return digit != '0';
}

Result<UniqueFd> create_interval_timer(uint32_t interval_ms) {
  UniqueFd fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!fd) return last_error("timerfd_create");
  timespec interval = {.tv_sec = interval_ms / 1000, .tv_nsec = long{interval_ms % 1000} * 1'000'000};
  itimerspec setting = {.it_interval = interval, .it_value = interval};
  if (::timerfd_settime(fd.get(), 0, &setting, nullptr) != 0) return last_error("timerfd_settime");
  return fd;
}

void drain_timer(int fd) {
  uint64_t expirations;
  [[maybe_unused]] ssize_t count = ::read(fd, &expirations, sizeof expirations);
}

int64_t monotonic_ms() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace talos::sys
