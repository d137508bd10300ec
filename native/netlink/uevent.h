// Kernel uevents over NETLINK_KOBJECT_UEVENT. Source: lib/kobject_uevent.c of the kernel.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::netlink {

struct Uevent {
  std::string action;
  std::string devpath;
  std::string subsystem;
  // In the kernel's order; ACTION, DEVPATH and SUBSYSTEM are among them.
  std::vector<std::pair<std::string, std::string>> properties;
};

// "action@devpath\0KEY=value\0…". Nothing for what is not that, the re-broadcasts of a udev daemon included. Pure.
std::optional<Uevent> parse_uevent(std::string_view message);

struct NoUevent {};
// Events were lost: look at sysfs again.
struct UeventOverrun {};
using UeventOutcome = std::variant<NoUevent, UeventOverrun, Uevent>;

// Not thread-safe.
class UeventSocket {
 public:
  // Thousands of events of a coldplug storm fit; the kernel charges about 1 KiB for each.
  static constexpr int kBufferBytes = 4 * 1024 * 1024;

  static Result<UeventSocket> open(int buffer_bytes = kBufferBytes);

  // The next event of the kernel's; what others send is passed over. Never blocks.
  //
  // After an overrun the kernel drops everything until the queue has been emptied, and says so only once. So what is queued comes
  // first and UeventOverrun when the queue is empty: whoever looks at sysfs then misses nothing.
  Result<UeventOutcome> receive();
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  UeventSocket(UniqueFd fd, int buffer_bytes);

  UniqueFd fd_;
  // More than that cannot have waited at once, whatever their size.
  int max_queued_;
  bool has_overrun_ = false;
  int taken_since_overrun_ = 0;
};

}  // namespace talos::netlink
