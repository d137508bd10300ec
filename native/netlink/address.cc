#include "netlink/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace talos::netlink {
namespace {

// MAX_ADDR_LEN of the kernel: InfiniBand has 20.
constexpr size_t kMaxHardwareBytes = 32;

void append_number(std::string& text, unsigned number) {
  std::array<char, 12> digits;
  auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  (void)error;
  text.append(digits.data(), end);
}

}  // namespace

uint8_t IpAddress::family() const { return is_ipv6 ? AF_INET6 : AF_INET; }

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

std::optional<std::vector<uint8_t>> parse_mac(std::string_view text) {
  if (text.size() % 3 != 2 || text.size() / 3 >= kMaxHardwareBytes) return std::nullopt;
  std::vector<uint8_t> bytes;
  for (size_t start = 0; start < text.size(); start += 3) {
    if (start > 0 && text[start - 1] != ':') return std::nullopt;
    uint8_t byte = 0;
    const char* digits = text.data() + start;
    auto [rest, error] = std::from_chars(digits, digits + 2, byte, 16);
    if (error != std::errc{} || rest != digits + 2) return std::nullopt;
    bytes.push_back(byte);
  }
  return bytes;
}

std::optional<IpAddress> broadcast_of(const IpPrefix& prefix) {
  if (prefix.address.is_ipv6 || prefix.length > 30) return std::nullopt;
  IpAddress broadcast = prefix.address;
  for (unsigned bit = prefix.length; bit < 32; bit++) broadcast.bytes[bit / 8] |= static_cast<uint8_t>(0x80u >> (bit % 8));
  return broadcast;
}

IpAddress read_address(AttributeReader& reader, const AttributeView& attribute, uint8_t family) {
  IpAddress address;
  address.is_ipv6 = family == AF_INET6;
  if (attribute.payload.size() != (address.is_ipv6 ? 16u : 4u)) {
    reader.fault("impossible size of address in attribute", attribute);
    return address;
  }
  std::ranges::copy(attribute.payload, address.bytes.begin());
  return address;
}

void append_address(std::string& text, const IpAddress& address) {
  if (address.is_ipv6) {
    std::array<char, INET6_ADDRSTRLEN> buffer;
    text += ::inet_ntop(AF_INET6, address.bytes.data(), buffer.data(), buffer.size());
    return;
  }
  // inet_ntop is a printf: too slow for tens of thousands of routes.
  for (size_t byte = 0; byte < 4; byte++) {
    if (byte > 0) text += '.';
    append_number(text, address.bytes[byte]);
  }
}

void append_prefix(std::string& text, const IpPrefix& prefix) {
  append_address(text, prefix.address);
  text += '/';
  append_number(text, prefix.length);
}

void append_mac(std::string& text, std::span<const uint8_t> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  bool is_first = true;
  for (uint8_t byte : bytes) {
    if (!is_first) text += ':';
    is_first = false;
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
}

}  // namespace talos::netlink
