#include "netlink/uevent.h"

#include <array>
#include <span>

#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

// The kernel's own buffer for one event is 2 KiB of properties behind the header.
constexpr size_t kUeventBytes = 16 * 1024;
// The least that the kernel charges the queue for a message is more than this.
constexpr int kMinUeventCharge = 256;

}  // namespace

std::optional<Uevent> parse_uevent(std::string_view message) {
  size_t end = message.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view header = message.substr(0, end);
  size_t at = header.find('@');
  if (at == 0 || at == std::string_view::npos || at + 1 == header.size() || header[at + 1] != '/') return std::nullopt;
  Uevent event;
  event.action = header.substr(0, at);
  event.devpath = header.substr(at + 1);
  message.remove_prefix(end + 1);
  while (!message.empty()) {
    end = message.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view property = message.substr(0, end);
    message.remove_prefix(end + 1);
    size_t equals = property.find('=');
    if (equals == 0 || equals == std::string_view::npos) return std::nullopt;
    std::string_view key = property.substr(0, equals);
    std::string_view value = property.substr(equals + 1);
    if (key == "SUBSYSTEM") event.subsystem = value;
    event.properties.emplace_back(key, value);
  }
  return event;
}

UeventSocket::UeventSocket(UniqueFd fd, int buffer_bytes)
    : fd_(std::move(fd)), max_queued_(2 * buffer_bytes / kMinUeventCharge + 64) {}

Result<UeventSocket> UeventSocket::open(int buffer_bytes) {
  auto fd = sys::open_uevent_socket(buffer_bytes);
  if (!fd) return fd.error();
  return UeventSocket(std::move(fd).value(), buffer_bytes);
}

Result<UeventOutcome> UeventSocket::receive() {
  std::array<uint8_t, kUeventBytes> buffer;
  for (;;) {
    // So many cannot have waited: the queue was empty in between, and a later overrun is told anew.
    if (has_overrun_ && taken_since_overrun_ >= max_queued_) {
      has_overrun_ = false;
      return UeventOutcome(UeventOverrun{});
    }
    auto datagram = sys::receive_netlink(fd_.get(), buffer);
    if (!datagram) return datagram.error();
    using Datagram = sys::NetlinkDatagram::Kind;
    if (datagram.value().kind == Datagram::kNothing) {
      return std::exchange(has_overrun_, false) ? UeventOutcome(UeventOverrun{}) : UeventOutcome(NoUevent{});
    }
    if (datagram.value().kind == Datagram::kOverrun) {
      has_overrun_ = true;
      taken_since_overrun_ = 0;
      continue;
    }
    taken_since_overrun_++;
    // Any root process may send to the group; the kernel alone has port 0.
    if (datagram.value().sender_port != 0) continue;
    std::string_view text(reinterpret_cast<const char*>(buffer.data()), datagram.value().size);
    auto event = datagram.value().is_truncated ? std::nullopt : parse_uevent(text);
    // One of the kernel's that we cannot read is one that we do not know: the same cure as for a lost one.
    if (!event) return UeventOutcome(UeventOverrun{});
    return UeventOutcome(std::move(*event));
  }
}

}  // namespace talos::netlink
