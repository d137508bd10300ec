#include "netlink/address.h"

#include <arpa/inet.h>

#include <charconv>

namespace talos::netlink {

std::optional<IpAddress> parse_address(const std::string& text) {
  IpAddress address;
  address.is_ipv6 = text.find(':') != std::string::npos;
  if (::inet_pton(address.is_ipv6 ? AF_INET6 : AF_INET, text.c_str(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

std::optional<IpPrefix> parse_prefix(const std::string& text) {
  size_t slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  const char* start = text.data() + slash + 1;
  const char* end = text.data() + text.size();
  IpPrefix prefix{*address, 0};
  auto [rest, error] = std::from_chars(start, end, prefix.length);
  if (error != std::errc{} || rest != end || prefix.length > (address->is_ipv6 ? 128 : 32)) return std::nullopt;
  return prefix;
}

std::optional<IpAddress> broadcast_of(const IpPrefix& prefix) {
  if (prefix.address.is_ipv6 || prefix.length > 30) return std::nullopt;
  IpAddress broadcast = prefix.address;
  for (unsigned bit = prefix.length; bit < 32; bit++) broadcast.bytes[bit / 8] |= static_cast<uint8_t>(0x80u >> (bit % 8));
  return broadcast;
}

}  // namespace talos::netlink
