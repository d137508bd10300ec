#include "power/watchdog.h"

#include <utility>

#include "sys/kmsg_calls.h"

namespace talos::power {

Result<std::shared_ptr<Watchdog>> Watchdog::open(const WatchdogOptions& options, std::function<void()> ask) {
  std::shared_ptr<Watchdog> watchdog(new Watchdog(options, std::move(ask)));
  auto timer = sys::create_interval_timer(options.interval_ms);
  if (!timer) return timer.error();
  watchdog->timer_ = std::move(timer).value();
  if (auto log = sys::open_kmsg_writer()) watchdog->log_ = std::move(log).value();
  auto device = sys::open_watchdog(options.path);
  if (!device) return device.error();
  watchdog->device_ = std::move(device).value();
  watchdog->check_in();
  // From here on the machine is reset unless somebody pets the device or stops it.
  auto failed = [&watchdog](Error error) {
    (void)sys::allow_watchdog_stop(watchdog->device_.get(), watchdog->options_.path);
    return error;
  };
  if (auto configured = watchdog->configure(); !configured) return failed(configured.error());
  std::lock_guard lock(watchdog->mutex_);
  auto token = Reactor::instance().add(watchdog->timer_.get(), EPOLLIN, watchdog);
  if (!token) return failed(token.error());
  watchdog->token_ = token.value();
  return watchdog;
}

Result<void> Watchdog::configure() {
  int fd = device_.get();
  auto support = sys::watchdog_support(fd, options_.path);
  if (!support) return support.error();
  facts_.support = std::move(support).value();
  facts_.is_nowayout = sys::is_watchdog_nowayout(fd);
  auto timeout = sys::set_watchdog_timeout(fd, options_.path, options_.timeout_seconds);
  // A device with a timeout of its own tells which one it has.
  if (!timeout && timeout.error().errno_value == EOPNOTSUPP) timeout = sys::watchdog_timeout(fd, options_.path);
  if (!timeout) return timeout.error();
  facts_.timeout_seconds = timeout.value();
  // None (0) is set as well: the device keeps what its last owner wanted.
  if (facts_.support.has_pretimeout) {
    auto pretimeout = sys::set_watchdog_pretimeout(fd, options_.path, options_.pretimeout_seconds);
    if (!pretimeout) return pretimeout.error();
    facts_.pretimeout_seconds = pretimeout.value();
  }
  return sys::keep_watchdog_alive(fd, options_.path);
}

void Watchdog::check_in() { last_check_in_ms_ = sys::monotonic_ms(); }

void Watchdog::on_ready(uint32_t) noexcept {
  sys::drain_timer(timer_.get());
  int64_t silent_ms = sys::monotonic_ms() - last_check_in_ms_;
  bool is_late = silent_ms > int64_t{options_.alive_within_ms};
  if (is_late) {
    withheld_++;
  } else {
    std::lock_guard lock(mutex_);
    if (!device_) return;
    if (sys::keep_watchdog_alive(device_.get(), options_.path)) pets_++;
  }
  if (is_late != std::exchange(is_late_, is_late)) {
    tell(is_late ? "the event loop has not turned for " + std::to_string(silent_ms) +
                       " ms: the machine is reset unless it does within " + std::to_string(facts_.timeout_seconds) + " s"
                 : "the event loop turns again");
  }
  ask_();
}

// The reactor's thread may be held up by a slow console here: there is nothing left that would be more urgent.
void Watchdog::tell(const std::string& text) {
  constexpr const char* kDaemonCritical = "<26>";
  if (log_) (void)sys::write_kmsg(log_.get(), kDaemonCritical + ("[talos] watchdog: " + text + "\n"));
}

Result<void> Watchdog::disarm() {
  std::lock_guard lock(mutex_);
  if (!device_) return {};
  if (facts_.is_nowayout.value_or(false)) {
    return Error{EBUSY, "close", options_.path, {}, "the device cannot be stopped (nowayout)"};
  }
  if (auto allowed = sys::allow_watchdog_stop(device_.get(), options_.path); !allowed) return allowed;
  device_.reset();
  if (token_) Reactor::instance().remove(*token_);
  token_.reset();
  return {};
}

}  // namespace talos::power
