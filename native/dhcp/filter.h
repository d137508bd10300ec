// Which packets wake us: a program of the kernel's packet filter (Documentation/networking/filter.rst). Pure.
#pragma once

#include <vector>

#include "dhcp/message.h"
#include "sys/packet_calls.h"

namespace talos::dhcp {

// Passes whole IPv4 datagrams for UDP port 68 that hold a BOOTP reply to this MAC address, and nothing else. It looks at IP
// packets without their link header. unwrap() and decode() look again, and closer: the filter saves wake-ups, no check.
std::vector<sock_filter> reply_filter(const Mac& mac);

}  // namespace talos::dhcp
