// Routes: RTM_*ROUTE. Pure. Source: rtnetlink(7), linux/rtnetlink.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "netlink/batch.h"
#include "netlink/message.h"

namespace talos::netlink {

struct NextHop {
  // An IPv4 route may have a gateway of IPv6 (RTA_VIA).
  std::optional<IpAddress> gateway{};
  uint32_t index = 0;
  // 1 to 256.
  uint32_t weight = 1;
  uint8_t flags = 0;  // RTNH_F_*
};

struct Route {
  uint8_t family = 0;
  uint32_t table = 0;
  uint8_t protocol = 0;  // RTPROT_*
  uint8_t scope = 0;     // RT_SCOPE_*
  uint8_t type = 0;      // RTN_*
  uint8_t tos = 0;
  uint32_t flags = 0;  // RTNH_F_*, RTM_F_*
  IpPrefix destination{};
  // Only of IPv6: the route is for packets from there.
  std::optional<IpPrefix> source{};
  std::optional<IpAddress> gateway{};
  std::optional<IpAddress> preferred_source{};
  std::optional<uint32_t> index{};
  std::optional<uint32_t> priority{};
  std::optional<uint32_t> mtu{};
  // ICMPV6_ROUTER_PREF_*.
  std::optional<uint8_t> preference{};
  std::optional<uint32_t> expires_sec{};
  std::optional<uint32_t> nexthop_id{};
  // More than one way; then gateway and index are empty.
  std::vector<NextHop> next_hops{};
};

// RTM_NEWROUTE or RTM_DELROUTE of IPv4 or IPv6. EBADMSG when it is malformed.
Result<Route> parse_route(const MessageView& message);
void write(Batch& batch, const Route& route);

struct NextHopSpec {
  std::string gateway{};
  uint32_t index = 0;
  uint32_t weight = 1;
};

struct RouteSpec {
  // CIDR notation or "default", whose family is the gateway's or the preferred source's; otherwise IPv4 unless `is_ipv6`.
  std::string destination{};
  bool is_ipv6 = false;
  std::string source{};
  std::string gateway{};
  std::string preferred_source{};
  std::optional<uint32_t> index{};
  uint32_t table = 254;
  std::optional<uint8_t> protocol{};
  std::optional<uint8_t> scope{};
  std::optional<uint8_t> type{};
  std::optional<uint32_t> priority{};
  std::optional<uint32_t> mtu{};
  uint8_t tos = 0;
  bool is_on_link = false;
  std::vector<NextHopSpec> next_hops{};
};

// `type` is RTM_NEWROUTE or RTM_DELROUTE, `flags` NLM_F_CREATE with NLM_F_EXCL or NLM_F_REPLACE for the former. What a removal
// does not name matches anything. EINVAL with a sentence for text that is no address or of the wrong family.
Result<MessageBuilder> build_route(uint16_t type, uint16_t flags, const RouteSpec& spec);

}  // namespace talos::netlink
