// System calls on a watchdog device. Source: Documentation/watchdog/watchdog-api.rst of the kernel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

struct WatchdogSupport {
  std::string identity;
  uint32_t firmware_version = 0;
  // WDIOF_MAGICCLOSE: the device is stopped by closing it only if it was told so.
  bool has_magic_close = false;
  // WDIOF_PRETIMEOUT
  bool has_pretimeout = false;
};

// open(2) for writing, which starts the device. EBUSY: somebody else has it.
Result<UniqueFd> open_watchdog(const std::string& path);

Result<WatchdogSupport> watchdog_support(int fd, const std::string& path);

// Both return what the device has made of it. EINVAL: out of its range; EOPNOTSUPP: it cannot be set.
Result<uint32_t> set_watchdog_timeout(int fd, const std::string& path, uint32_t seconds);
Result<uint32_t> set_watchdog_pretimeout(int fd, const std::string& path, uint32_t seconds);
Result<uint32_t> watchdog_timeout(int fd, const std::string& path);

// Puts off the reset by a whole timeout from now.
Result<void> keep_watchdog_alive(int fd, const std::string& path);

// The magic character: the close that follows stops the device.
Result<void> allow_watchdog_stop(int fd, const std::string& path);

// What sysfs says of the device: whether it can ever be stopped. Absent when sysfs does not say.
std::optional<bool> is_watchdog_nowayout(int fd);

// A timer that is readable every `interval_ms`.
Result<UniqueFd> create_interval_timer(uint32_t interval_ms);
// Makes it quiet until the next time.
void drain_timer(int fd);

// Of CLOCK_MONOTONIC.
int64_t monotonic_ms();

}  // namespace talos::sys
