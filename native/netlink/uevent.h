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
  static Result<UeventSocket> open();

  // The next event of the kernel's; what others send is passed over. Never blocks.
  Result<UeventOutcome> receive();
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  explicit UeventSocket(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace talos::netlink
