// Internet and hardware addresses, and prefixes in CIDR notation: from text, from attributes, and back to text. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "netlink/attributes.h"

namespace talos::netlink {

struct IpAddress {
  bool is_ipv6 = false;
  // 4 or 16 bytes in network order, from the front.
  std::array<uint8_t, 16> bytes{};

  [[nodiscard]] std::span<const uint8_t> view() const { return std::span(bytes).first(is_ipv6 ? 16 : 4); }
  // AF_INET or AF_INET6.
  [[nodiscard]] uint8_t family() const;
  bool operator==(const IpAddress&) const = default;
};

struct IpPrefix {
  IpAddress address;
  uint8_t length = 0;
};

std::optional<IpAddress> parse_address(const std::string& text);

// "address/length"; the length is mandatory.
std::optional<IpPrefix> parse_prefix(const std::string& text);

// "02:00:5e:10:00:01": two hexadecimal digits a byte, at most 32 bytes.
std::optional<std::vector<uint8_t>> parse_mac(std::string_view text);

// The IPv4 broadcast address of the prefix; none where the prefix has no room for one (/31 and /32).
std::optional<IpAddress> broadcast_of(const IpPrefix& prefix);

// The address in an attribute of a message of `family`; a wrong size is a fault of the reader.
IpAddress read_address(AttributeReader& reader, const AttributeView& attribute, uint8_t family);

// Each appends to `text`: an IPv6 address as RFC 5952 wants it, "address/length", and a hardware address.
void append_address(std::string& text, const IpAddress& address);
void append_prefix(std::string& text, const IpPrefix& prefix);
void append_mac(std::string& text, std::span<const uint8_t> bytes);

}  // namespace talos::netlink
