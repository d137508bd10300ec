// System calls on netlink sockets, and the kernel's own headers of the protocol, which nothing outside sys/ includes by itself.
#pragma once

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

// NETLINK_ROUTE: extended acknowledgements, acknowledgements without a copy of the request, and strict checking of dump
// requests are on; a receive gives up (EAGAIN) after `timeout_ms`, so that a kernel bug cannot hang PID 1.
Result<UniqueFd> open_route_socket(int timeout_ms);

// NETLINK_ROUTE, non-blocking, member of the multicast groups whose bits are set (bit 0 is group 1), with a receive buffer of
// `buffer_bytes`.
Result<UniqueFd> open_route_monitor(uint32_t groups, int buffer_bytes);

// NETLINK_KOBJECT_UEVENT, non-blocking, member of the kernel's group 1 only, with a receive buffer of `buffer_bytes`.
Result<UniqueFd> open_uevent_socket(int buffer_bytes);

Result<void> send_netlink(int fd, std::span<const uint8_t> message);

struct NetlinkDatagram {
  enum class Kind {
    kMessage,
    kNothing,  // EAGAIN
    kOverrun   // ENOBUFS: the kernel dropped messages for this socket
  };
  Kind kind = Kind::kNothing;
  size_t size = 0;
  // Port of the sender; 0 is the kernel.
  uint32_t sender_port = 0;
  // The message was longer than the buffer, and is cut off.
  bool is_truncated = false;
};

Result<NetlinkDatagram> receive_netlink(int fd, std::span<uint8_t> buffer);

}  // namespace talos::sys
