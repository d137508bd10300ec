// What the kernel is told when the wall clock is put right. No test sets it: clock_adjtime(2) answers what these want.
#include <sys/timex.h>

#include "sys/clock_calls.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using namespace talos;
using namespace talos::test;

struct timex told;

void listen() {
  answer_always("clock_adjtime", [](Call& call) {
    told = *call.pointer<struct timex>(1);
    return long{TIME_ERROR};
  });
}

void steps_with_a_fraction_that_counts_forward() {
  listen();
  check(sys::step_clock(1'500'000'000).ok());
  check(told.modes == (ADJ_SETOFFSET | ADJ_NANO));
  check(told.time.tv_sec == 1 && told.time.tv_usec == 500'000'000);
  check(sys::step_clock(-1'500'000'000).ok());
  check(told.time.tv_sec == -2 && told.time.tv_usec == 500'000'000);
  check(sys::step_clock(-1).ok());
  check(told.time.tv_sec == -1 && told.time.tv_usec == 999'999'999);
  check(sys::step_clock(-3'000'000'000).ok());
  check(told.time.tv_sec == -3 && told.time.tv_usec == 0);
  clear_faults();
}

void slews_and_takes_the_clock_as_synchronised() {
  listen();
  check(sys::slew_clock(-7'000'000, 3, 20'000, 10'000).ok());
  check((told.modes & ADJ_OFFSET) != 0 && (told.modes & ADJ_SETOFFSET) == 0);
  check(told.offset == -7'000'000 && told.constant == 3 && told.maxerror == 20'000 && told.esterror == 10'000);
  check(told.status == STA_PLL, "not STA_UNSYNC");
  clear_faults();
}

void reads_in_both_units() {
  answer_always("clock_adjtime", [](Call& call) {
    auto& found = *call.pointer<struct timex>(1);
    check(found.modes == 0, "it only asks");
    found.offset = 7;
    found.freq = -65536;
    found.maxerror = 9;
    found.status = STA_UNSYNC;
    return 0L;
  });
  auto state = sys::clock_state();
  check(state.ok() && state.value().is_unsynchronised && state.value().offset_ns == 7000);
  check(state.value().frequency == -65536 && state.value().max_error_us == 9);
  clear_faults();
  answer_always("clock_adjtime", [](Call& call) {
    auto& found = *call.pointer<struct timex>(1);
    found.offset = 7;
    found.status = STA_NANO;
    return 0L;
  });
  state = sys::clock_state();
  check(state.ok() && !state.value().is_unsynchronised && state.value().offset_ns == 7);
  clear_faults();
}

void says_what_the_kernel_refuses() {
  fail_always("clock_adjtime", EPERM);
  for (const auto& error : {sys::step_clock(1).error(), sys::slew_clock(1, 1, 1, 1).error(), sys::clock_state().error()}) {
    check(error.errno_value == EPERM && error.syscall == std::string("clock_adjtime"));
  }
  clear_faults();
}

}  // namespace

int main() {
  steps_with_a_fraction_that_counts_forward();
  slews_and_takes_the_clock_as_synchronised();
  reads_in_both_units();
  says_what_the_kernel_refuses();
  return finish();
}
