// Requests about routes.
#include "netlink/route.h"
#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

Error invalid_route(const char* what, const std::string& text) { return Error{EINVAL, "netlink", text, {}, what}; }

// Nothing when the text is empty.
Result<std::optional<IpAddress>> address_in(const std::string& text) {
  if (text.empty()) return std::optional<IpAddress>();
  auto address = parse_address(text);
  if (!address) return invalid_route("not an IP address", text);
  return address;
}

void add_gateway(MessageBuilder& request, bool is_ipv6, const IpAddress& gateway) {
  if (gateway.is_ipv6 == is_ipv6) {
    request.attribute(RTA_GATEWAY, gateway.view());
    return;
  }
  std::vector<uint8_t> via(sizeof(uint16_t));
  uint16_t family = gateway.family();
  std::memcpy(via.data(), &family, sizeof family);
  via.insert(via.end(), gateway.view().begin(), gateway.view().end());
  request.attribute(RTA_VIA, via);
}

// As ip(8) does: where packets stay on the machine or the wire, the scope says so.
uint8_t default_scope(const RouteSpec& spec, bool is_ipv6, uint8_t type) {
  if (is_ipv6) return RT_SCOPE_UNIVERSE;
  if (type == RTN_LOCAL || type == RTN_NAT) return RT_SCOPE_HOST;
  if (type == RTN_BROADCAST || type == RTN_MULTICAST || type == RTN_ANYCAST) return RT_SCOPE_LINK;
  bool is_direct = spec.gateway.empty() && spec.next_hops.empty();
  return is_direct && type == RTN_UNICAST ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

Result<void> add_next_hops(MessageBuilder& request, const RouteSpec& spec, bool is_ipv6) {
  if (spec.next_hops.empty()) return {};
  size_t nest = request.begin_nest(RTA_MULTIPATH);
  for (const NextHopSpec& hop : spec.next_hops) {
    auto gateway = address_in(hop.gateway);
    if (!gateway) return gateway.error();
    size_t start = request.size();
    struct rtnexthop header = {};
    header.rtnh_hops = static_cast<uint8_t>(hop.weight - 1);
    header.rtnh_ifindex = static_cast<int>(hop.index);
    request.raw(header);
    if (gateway.value()) add_gateway(request, is_ipv6, *gateway.value());
    request.end_nest(start);
  }
  request.end_nest(nest);
  return {};
}

}  // namespace

Result<MessageBuilder> build_route(uint16_t type, uint16_t flags, const RouteSpec& spec) {
  auto gateway = address_in(spec.gateway);
  if (!gateway) return gateway.error();
  auto preferred = address_in(spec.preferred_source);
  if (!preferred) return preferred.error();
  IpPrefix prefix;
  if (spec.destination != "default") {
    auto parsed = parse_prefix(spec.destination);
    if (!parsed) return invalid_route("not a prefix in CIDR notation", spec.destination);
    prefix = *parsed;
  } else if (preferred.value() || gateway.value()) {
    prefix.address.is_ipv6 = (preferred.value() ? preferred.value() : gateway.value())->is_ipv6;
  } else {
    prefix.address.is_ipv6 = spec.is_ipv6;
  }
  bool is_ipv6 = prefix.address.is_ipv6;
  // The other way round there is RTA_VIA.
  if (is_ipv6 && gateway.value() && !gateway.value()->is_ipv6) {
    return invalid_route("gateway and destination are of different families", spec.gateway);
  }
  if (preferred.value() && preferred.value()->is_ipv6 != is_ipv6) {
    return invalid_route("source address and destination are of different families", spec.preferred_source);
  }
  std::optional<IpPrefix> source;
  if (!spec.source.empty()) {
    source = parse_prefix(spec.source);
    if (!source || !source->address.is_ipv6 || !is_ipv6) return invalid_route("not an IPv6 prefix in CIDR notation", spec.source);
  }

  bool is_removal = type == RTM_DELROUTE;
  struct rtmsg info = {};
  info.rtm_family = prefix.address.family();
  info.rtm_dst_len = prefix.length;
  info.rtm_src_len = source ? source->length : 0;
  info.rtm_tos = spec.tos;
  info.rtm_table = spec.table < 256 ? static_cast<uint8_t>(spec.table) : uint8_t{RT_TABLE_UNSPEC};
  info.rtm_protocol = spec.protocol.value_or(is_removal ? uint8_t{RTPROT_UNSPEC} : uint8_t{RTPROT_STATIC});
  info.rtm_type = spec.type.value_or(is_removal ? uint8_t{RTN_UNSPEC} : uint8_t{RTN_UNICAST});
  info.rtm_scope = spec.scope.value_or(is_removal ? uint8_t{RT_SCOPE_NOWHERE} : default_scope(spec, is_ipv6, info.rtm_type));
  info.rtm_flags = spec.is_on_link ? RTNH_F_ONLINK : 0u;
  MessageBuilder request(type, NLM_F_REQUEST | NLM_F_ACK | flags, info);
  if (prefix.length > 0) request.attribute(RTA_DST, prefix.address.view());
  if (source) request.attribute(RTA_SRC, source->address.view());
  if (gateway.value()) add_gateway(request, is_ipv6, *gateway.value());
  if (preferred.value()) request.attribute(RTA_PREFSRC, preferred.value()->view());
  if (spec.index) request.attribute(RTA_OIF, *spec.index);
  if (spec.priority) request.attribute(RTA_PRIORITY, *spec.priority);
  request.attribute(RTA_TABLE, spec.table);
  if (spec.mtu) {
    size_t nest = request.begin_nest(RTA_METRICS);
    request.attribute(RTAX_MTU, *spec.mtu);
    request.end_nest(nest);
  }
  if (auto added = add_next_hops(request, spec, is_ipv6); !added) return added.error();
  return request;
}

}  // namespace talos::netlink
