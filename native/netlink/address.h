// Addresses and prefixes in CIDR notation. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace talos::netlink {

struct IpAddress {
  bool is_ipv6 = false;
  // 4 or 16 bytes in network order, from the front.
  std::array<uint8_t, 16> bytes{};

  [[nodiscard]] std::span<const uint8_t> view() const { return std::span(bytes).first(is_ipv6 ? 16 : 4); }
};

struct IpPrefix {
  IpAddress address;
  uint8_t length = 0;
};

std::optional<IpAddress> parse_address(const std::string& text);

// "address/length"; the length is mandatory.
std::optional<IpPrefix> parse_prefix(const std::string& text);

// The IPv4 broadcast address of the prefix; none where the prefix has no room for one (/31 and /32).
std::optional<IpAddress> broadcast_of(const IpPrefix& prefix);

}  // namespace talos::netlink
