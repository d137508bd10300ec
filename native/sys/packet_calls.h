// Packet sockets (packet(7)) and raw IP sockets (raw(7)), and the kernel's headers of them, which nothing outside sys/ includes
// by itself.
#pragma once

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

// AF_PACKET without link headers, non-blocking, for the IPv4 packets of one interface that pass the filter. The filter is there
// before the socket is bound, so nothing that it would refuse is ever in the queue. Needs CAP_NET_RAW.
Result<UniqueFd> open_packet_socket(uint32_t interface_index, std::span<const sock_filter> filter);

// AF_INET for whole IP packets (IP_HDRINCL) that leave by one interface; it receives nothing. Needs CAP_NET_RAW.
Result<UniqueFd> open_ip_socket(uint32_t interface_index);

// To every station of the interface's link.
Result<void> broadcast_packet(int fd, uint32_t interface_index, std::span<const uint8_t> packet);

// A router solicitation (RFC 4861, section 4.1) to all routers of the interface's link, from its link-local address. Needs
// CAP_NET_RAW. EADDRNOTAVAIL as long as the interface has no such address · ENETUNREACH without IPv6 on it, or without such an
// interface.
Result<void> solicit_routers(uint32_t interface_index);

// By the routes of the kernel to the IPv4 address, which is in host order.
Result<void> send_ip_packet(int fd, uint32_t destination, std::span<const uint8_t> packet);

struct ReceivedPacket {
  // False: EAGAIN, nothing was there.
  bool is_there = false;
  size_t size = 0;
  // As of the socket's auxiliary data.
  bool is_checksum_ready = true;
  uint16_t vlan_id = 0;
  bool is_truncated = false;
};
// What the interface itself reports (it went down) is passed over: its state is watched elsewhere.
Result<ReceivedPacket> receive_packet(int fd, std::span<uint8_t> buffer);

// getrandom(2). Sleeps only while the kernel's generator has not been seeded since boot.
Result<uint32_t> random_u32();

}  // namespace talos::sys
