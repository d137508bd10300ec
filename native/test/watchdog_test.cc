// The watchdog over a device, a clock and a kernel log that do what the test says. The reactor and its timer are the real ones.
#include "power/watchdog.h"

#include <linux/watchdog.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <semaphore>
#include <string>

#include "test/fault.h"
#include "test/tap.h"

namespace {

using namespace talos::power;
using talos::test::Call;
using talos::test::check;
using talos::test::check_equal;

constexpr uint32_t kAliveWithinMs = 5000;

// Its files are ordinary ones; what makes them a device is how ioctl(2) answers.
class Machine {
 public:
  Machine() {
    check(::mkdtemp(folder_) != nullptr);
    device_ = std::string(folder_) + "/device";
    log_ = std::string(folder_) + "/log";
    std::ofstream(device_).flush();
    std::ofstream(log_).flush();
    talos::test::answer_always("ioctl", [this](Call& call) { return answer(call); });
    talos::test::answer_always("open", [this](Call& call) {
      if (std::strcmp(call.pointer<const char>(0), "/dev/kmsg") == 0) call.arguments[0] = reinterpret_cast<long>(log_.c_str());
      return call.pass();
    });
    talos::test::answer_always("clock_gettime", [this](Call& call) {
      auto* time = call.pointer<timespec>(1);
      *time = {.tv_sec = now_ms / 1000, .tv_nsec = now_ms % 1000 * 1'000'000};
      return 0L;
    });
  }
  ~Machine() {
    talos::test::clear_faults();
    std::filesystem::remove_all(folder_);
  }

  [[nodiscard]] WatchdogOptions options() const {
    return {.path = device_, .timeout_seconds = 10, .pretimeout_seconds = 2, .alive_within_ms = kAliveWithinMs, .interval_ms = 5};
  }
  // What was written to the device.
  [[nodiscard]] std::string written() const { return text_of(device_); }
  void forget() const { std::ofstream(device_, std::ios::trunc).flush(); }
  [[nodiscard]] std::string told() const { return text_of(log_); }

  uint32_t features = WDIOF_MAGICCLOSE | WDIOF_PRETIMEOUT;
  int timeout_error = 0;
  std::atomic<bool> is_broken = false;
  std::atomic<int> keep_alives = 0;
  std::atomic<int64_t> now_ms = 1'000'000;

 private:
  static std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  long answer(Call& call) {
    switch (static_cast<unsigned long>(call.arguments[1])) {
      case WDIOC_GETSUPPORT: {
        auto* info = call.pointer<watchdog_info>(2);
        info->options = features;
        info->firmware_version = 7;
        std::memset(info->identity, 'x', sizeof info->identity);  // as long as can be: no end in it
        return 0;
      }
      case WDIOC_SETTIMEOUT:
        if (timeout_error != 0) return call.fail(timeout_error);
        *call.pointer<int>(2) = 11;  // devices round
        return 0;
      case WDIOC_GETTIMEOUT:
        *call.pointer<int>(2) = 30;
        return 0;
      case WDIOC_SETPRETIMEOUT:
        return 0;
      case WDIOC_KEEPALIVE:
        if (is_broken) return call.fail(EIO);
        keep_alives++;
        return 0;
      default:
        return call.fail(ENOTTY);
    }
  }

  char folder_[32] = "/tmp/talos-watchdog-XXXXXX";
  std::string device_;
  std::string log_;
};

// How often the event loop was asked to check in.
struct Ticks {
  std::counting_semaphore<> asked{0};
  // Two: the second begins after the call of this.
  void wait() {
    while (asked.try_acquire()) {
    }
    asked.acquire();
    asked.acquire();
  }
};

void pets_as_long_as_the_loop_turns() {
  Machine machine;
  auto ticks = std::make_shared<Ticks>();
  auto opened = Watchdog::open(machine.options(), [ticks] { ticks->asked.release(); });
  check(opened.ok());
  Watchdog& watchdog = *opened.value();
  check_equal(watchdog.facts().timeout_seconds, 11u, "as the device has taken it");
  check_equal(watchdog.facts().pretimeout_seconds, 2u);
  check_equal(watchdog.facts().support.identity, std::string(32, 'x'));
  check_equal(watchdog.facts().support.firmware_version, 7u);
  check(!watchdog.facts().is_nowayout.has_value(), "this device is in no sysfs");
  ticks->wait();
  check(watchdog.pets() > 0 && watchdog.withheld() == 0);

  machine.now_ms += kAliveWithinMs + 1;
  ticks->wait();
  uint64_t pets = watchdog.pets();
  int keep_alives = machine.keep_alives;
  ticks->wait();
  check_equal(watchdog.pets(), pets, "a loop that stands still is not covered up for");
  check_equal(machine.keep_alives.load(), keep_alives);
  check(watchdog.withheld() > 1);
  check_equal(
      machine.told(),
      "<26>[talos] watchdog: the event loop has not turned for 5001 ms: the machine is reset unless it does within 11 s\n",
      "told once");

  watchdog.check_in();
  ticks->wait();
  check(watchdog.pets() > pets);
  check(machine.told().ends_with("<26>[talos] watchdog: the event loop turns again\n"));
  machine.is_broken = true;
  ticks->wait();
  pets = watchdog.pets();
  ticks->wait();
  check_equal(watchdog.pets(), pets, "what failed is not counted");

  check_equal(machine.written(), "");
  check(watchdog.disarm().ok() && watchdog.disarm().ok());
  check_equal(machine.written(), "V", "stopped, once");
}

void takes_what_the_device_can() {
  Machine machine;
  machine.features = WDIOF_MAGICCLOSE;
  machine.timeout_error = EOPNOTSUPP;
  auto fixed = Watchdog::open(machine.options(), [] {});
  check(fixed.ok() && fixed.value()->facts().timeout_seconds == 30, "a timeout that cannot be set is read");
  check_equal(fixed.value()->facts().pretimeout_seconds, 0u);
  check(fixed.value()->disarm().ok());
  machine.forget();
  machine.timeout_error = EINVAL;
  auto refused = Watchdog::open(machine.options(), [] {});
  check(!refused && refused.error().errno_value == EINVAL && refused.error().path == machine.options().path);
  check_equal(machine.written(), "V", "a device that was opened is stopped again");
}

void survives_every_failing_call() {
  Machine machine;
  // The reactor has its own descriptor from here on. Without a kernel log nothing is told; sysfs has nothing about this device.
  talos::test::fail_each(
      [&machine]() -> talos::Result<void> {
        auto watchdog = Watchdog::open(machine.options(), [] {});
        if (!watchdog) return watchdog.error();
        auto disarmed = watchdog.value()->disarm();
        // What cannot be stopped is petted on, until it can.
        if (!disarmed) check(watchdog.value()->disarm().ok());
        return disarmed;
      },
      {EMFILE, EIO}, {{"open"}, {"fstat"}, {"clock_gettime"}, {"epoll_ctl"}, {"read"}});
}

void refuses_what_is_no_watchdog() {
  auto missing =
      Watchdog::open({.path = "/nowhere/watchdog", .timeout_seconds = 10, .alive_within_ms = 1, .interval_ms = 5}, [] {});
  check(!missing && missing.error().errno_value == ENOENT && missing.error().path == "/nowhere/watchdog");
}

}  // namespace

int main() {
  pets_as_long_as_the_loop_turns();
  takes_what_the_device_can();
  survives_every_failing_call();
  refuses_what_is_no_watchdog();
  return talos::test::finish();
}
