// The clock of the wall, CLOCK_REALTIME, as it is put right: clock_adjtime(2).
#pragma once

#include <cstdint>

#include "base/result.h"

namespace talos::sys {

struct ClockState {
  // Nobody has told the kernel for long that the clock is right (STA_UNSYNC).
  bool is_unsynchronised = true;
  // What is still to be slewed away.
  int64_t offset_ns = 0;
  // By how much the clock is made to go faster, in parts per million, with 16 bits behind the point.
  int64_t frequency = 0;
  int64_t max_error_us = 0;
};

// EPERM without CAP_SYS_TIME · EINVAL for a moment that the clock cannot have.
Result<void> step_clock(int64_t by_ns);

// Hands the offset to the kernel's phase-locked loop, which slews it away, learns the clock's frequency from it, and takes the
// clock as synchronised from then on. The loop takes half a second at most. `time_constant`: the logarithm of how slow it is.
// EPERM without CAP_SYS_TIME.
Result<void> slew_clock(int64_t offset_ns, int64_t time_constant, int64_t max_error_us, int64_t estimated_error_us);

// Needs no right.
Result<ClockState> clock_state();

}  // namespace talos::sys
