// Links, addresses and routes over rtnetlink (rtnetlink(7)). Each call opens its own socket and has no state.
// None blocks on a device; each may sleep for the kernel's rtnl lock, and gives up after a few seconds (ETIMEDOUT).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "netlink/message.h"

namespace talos::netlink {

struct Link {
  int index = 0;
  std::string name;
  uint16_t type = 0;  // ARPHRD_*
  std::string mac;
  uint32_t mtu = 0;
  bool is_up = false;
  bool has_carrier = false;
};

// One RTM_NEWLINK message. Pure. EBADMSG when it lacks index or name.
Result<Link> parse_link(const MessageView& message);

// All links. A dump that the kernel marks as interrupted by a change is made again; EAGAIN when that never ends.
Result<std::vector<Link>> list_links();

Result<void> set_link_up(uint32_t index);

// CIDR notation; EINVAL if it is none. That the address is there already is not an error.
Result<void> add_address(uint32_t index, const std::string& address);

// `destination` in CIDR notation or "default", whose family is the gateway's (IPv4 without one). A route to the same
// destination is replaced.
Result<void> add_route(const std::string& destination, const std::string& gateway, uint32_t index);

}  // namespace talos::netlink
