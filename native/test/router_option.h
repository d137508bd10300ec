// What a router says of name servers: the option as it is on the wire, and the message that the kernel makes of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sys/netlink_calls.h"

namespace talos::test {

using Blob = std::vector<uint8_t>;

constexpr uint8_t kRouterAdvertisement = 134;

// An RDNSS option with that many addresses, 2001:db8::1 and so on.
inline Blob rdnss(uint32_t lifetime, uint8_t servers) {
  Blob option = {25, static_cast<uint8_t>(1 + 2 * servers), 0, 0};
  for (int shift = 24; shift >= 0; shift -= 8) option.push_back(static_cast<uint8_t>(lifetime >> shift));
  for (uint8_t last = 1; last <= servers; last++) {
    const Blob address = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last};
    option.insert(option.end(), address.begin(), address.end());
  }
  return option;
}

struct Wrapping {
  uint8_t family = AF_INET6;
  uint8_t icmp_type = kRouterAdvertisement;
  bool has_router = true;
};

// A message as the kernel makes it of an option.
inline std::string message_with(const Blob& option, const Wrapping& how = {}) {
  struct nduseroptmsg info = {};
  info.nduseropt_family = how.family;
  info.nduseropt_icmp_type = how.icmp_type;
  info.nduseropt_ifindex = 7;
  info.nduseropt_opts_len = static_cast<uint16_t>(option.size());
  std::string payload(reinterpret_cast<const char*>(&info), sizeof info);
  payload.append(option.begin(), option.end());
  payload.resize((payload.size() + 3) & ~size_t{3});
  const Blob router = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  struct nlattr attribute = {static_cast<uint16_t>(NLA_HDRLEN + router.size()), NDUSEROPT_SRCADDR};
  if (how.has_router) {
    payload.append(reinterpret_cast<const char*>(&attribute), sizeof attribute);
    payload.append(router.begin(), router.end());
  }
  struct nlmsghdr header = {};
  header.nlmsg_type = RTM_NEWNDUSEROPT;
  header.nlmsg_len = static_cast<uint32_t>(sizeof header + payload.size());
  return std::string(reinterpret_cast<const char*>(&header), sizeof header) + payload;
}

}  // namespace talos::test
