// The machine's watchdog, tied to the life of the JavaScript event loop.
//
// A thread that pets the device for ever would keep a machine alive whose PID 1 has stopped. So with every tick the reactor asks
// the event loop to check in, and pets the device only if it has done so within its deadline:
//
// | last check-in      | what a tick does                                                          |
// |--------------------|---------------------------------------------------------------------------|
// | in time            | pets the device, asks again                                               |
// | late, first time   | says so in the kernel log; does not pet; asks again                       |
// | late               | does not pet; asks again                                                  |
// | in time again      | says so, and goes on                                                      |
//
// A loop that hangs for longer than deadline + timeout of the device has its machine reset. So has a process that dies, or drops
// this object, without disarm(): closing the device does not stop it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "reactor/reactor.h"
#include "sys/watchdog_calls.h"

namespace talos::power {

struct WatchdogOptions {
  std::string path;
  // From the last petting to the reset.
  uint32_t timeout_seconds = 0;
  // Before the reset, when the kernel panics to save its log; 0: not used. Left out where the device has none.
  uint32_t pretimeout_seconds = 0;
  // How old the last check-in of the event loop may be.
  uint32_t alive_within_ms = 0;
  // Between two ticks; less than half of the timeout.
  uint32_t interval_ms = 0;
};

struct WatchdogFacts {
  sys::WatchdogSupport support;
  // As the device has taken it.
  uint32_t timeout_seconds = 0;
  // 0: none.
  uint32_t pretimeout_seconds = 0;
  // It cannot be stopped any more. Absent: not known.
  std::optional<bool> is_nowayout;
};

class Watchdog : public ReadyHandler, public std::enable_shared_from_this<Watchdog> {
 public:
  // Starts the device and the petting. `ask` is called by the reactor with each tick, never blocks, and leads to check_in() of
  // the event loop. EBUSY, EINVAL (a timeout that the device cannot have), ENOTTY (no watchdog); a device that was started is
  // stopped again then.
  static Result<std::shared_ptr<Watchdog>> open(const WatchdogOptions& options, std::function<void()> ask);

  // The event loop has turned. Any thread.
  void check_in();

  // Stops petting and device. EBUSY when the device cannot be stopped: then it is petted on. Idempotent.
  Result<void> disarm();

  void on_ready(uint32_t events) noexcept override;

  [[nodiscard]] const WatchdogFacts& facts() const { return facts_; }
  [[nodiscard]] uint64_t pets() const { return pets_; }
  // Ticks at which the device was not petted.
  [[nodiscard]] uint64_t withheld() const { return withheld_; }

 private:
  Watchdog(const WatchdogOptions& options, std::function<void()> ask) : options_(options), ask_(std::move(ask)) {}

  Result<void> configure();
  void tell(const std::string& text);

  const WatchdogOptions options_;
  const std::function<void()> ask_;
  WatchdogFacts facts_;
  UniqueFd timer_;
  // Without one nothing is told.
  UniqueFd log_;
  std::mutex mutex_;  // guards device_ and token_
  UniqueFd device_;
  std::optional<Reactor::Token> token_;
  std::atomic<int64_t> last_check_in_ms_ = 0;
  std::atomic<uint64_t> pets_ = 0;
  std::atomic<uint64_t> withheld_ = 0;
  bool is_late_ = false;  // reactor thread only
};

}  // namespace talos::power
