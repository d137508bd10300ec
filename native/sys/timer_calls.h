// The clock that counts time spent in suspend (clock_gettime(2), CLOCK_BOOTTIME), and timers by it (timerfd_create(2)).
#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

// Milliseconds since boot. Cannot fail.
int64_t boot_time_ms();

// Non-blocking, not armed.
Result<UniqueFd> create_boot_timer();

// Readable from that moment of boot_time_ms() on, at once if it has passed. A later call replaces the moment, and makes an expiry
// that was not read unseen. Negative: never.
Result<void> arm_boot_timer(int fd, int64_t at_ms);

// Whether it has expired; the descriptor is not readable afterwards.
Result<bool> take_expiry(int fd);

}  // namespace talos::sys
