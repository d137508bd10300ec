#include "sys/clock_calls.h"

#include <sys/timex.h>

#include <ctime>

namespace talos::sys {

namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

Result<void> adjust(struct timex& change) {
  // What it returns otherwise is the state of a leap second.
  if (::clock_adjtime(CLOCK_REALTIME, &change) == -1) return last_error("clock_adjtime");
  return {};
}

}  // namespace

Result<void> step_clock(int64_t by_ns) {
  struct timex change = {};
  change.modes = ADJ_SETOFFSET | ADJ_NANO;
  // The fraction is counted forward, also from a negative second.
  const int64_t fraction = (by_ns % kNsPerSecond + kNsPerSecond) % kNsPerSecond;
  change.time.tv_sec = (by_ns - fraction) / kNsPerSecond;
  change.time.tv_usec = fraction;
  return adjust(change);
}

Result<void> slew_clock(int64_t offset_ns, int64_t time_constant, int64_t max_error_us, int64_t estimated_error_us) {
  struct timex change = {};
  change.modes = ADJ_OFFSET | ADJ_NANO | ADJ_STATUS | ADJ_TIMECONST | ADJ_MAXERROR | ADJ_ESTERROR;
  // Not STA_UNSYNC: from now on the kernel also keeps the hardware's clock right.
  change.status = STA_PLL;
  change.offset = offset_ns;
  change.constant = time_constant;
  change.maxerror = max_error_us;
  change.esterror = estimated_error_us;
  return adjust(change);
}

Result<ClockState> clock_state() {
  struct timex found = {};
  if (auto asked = adjust(found); !asked) return asked.error();
  const bool is_nano = (found.status & STA_NANO) != 0;
  return ClockState{(found.status & STA_UNSYNC) != 0, is_nano ? found.offset : found.offset * 1000, found.freq, found.maxerror};
}

}  // namespace talos::sys
