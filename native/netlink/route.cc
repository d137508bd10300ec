#include "netlink/route.h"

#include "netlink/attributes.h"
#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

constexpr const char* kMessage = "RTM_NEWROUTE";
// USER_HZ: the kernel's clock as user space sees it, the same on every architecture we build for.
constexpr uint32_t kTicksPerSecond = 100;

// RTA_VIA: a family in front of an address.
std::optional<IpAddress> read_via(AttributeReader& reader, const AttributeView& attribute) {
  uint16_t family = 0;
  if (attribute.payload.size() < sizeof family) {
    reader.fault("attribute cut off", attribute);
    return std::nullopt;
  }
  std::memcpy(&family, attribute.payload.data(), sizeof family);
  if (family != AF_INET && family != AF_INET6) return std::nullopt;
  AttributeView address = attribute;
  address.payload = attribute.payload.subspan(sizeof family);
  return read_address(reader, address, static_cast<uint8_t>(family));
}

void parse_metrics(AttributeReader& outer, const AttributeView& metrics, Route& route) {
  AttributeReader reader(metrics);
  for (AttributeView attribute; reader.next(attribute);) {
    if (attribute.type == RTAX_MTU) route.mtu = reader.u32(attribute);
  }
  outer.include(reader);
}

void parse_next_hops(AttributeReader& outer, const AttributeView& list, Route& route) {
  Bytes rest = list.payload;
  size_t offset = list.offset + NLA_HDRLEN;
  while (!rest.empty()) {
    struct rtnexthop header;
    if (rest.size() < sizeof header) return outer.fault("next hop cut off in attribute", list);
    std::memcpy(&header, rest.data(), sizeof header);
    if (header.rtnh_len < sizeof header || header.rtnh_len > rest.size()) {
      return outer.fault("impossible length of a next hop in attribute", list);
    }
    NextHop hop;
    hop.index = static_cast<uint32_t>(header.rtnh_ifindex);
    hop.weight = header.rtnh_hops + 1u;
    hop.flags = header.rtnh_flags;
    AttributeReader reader(rest.subspan(sizeof header, header.rtnh_len - sizeof header), offset + sizeof header);
    for (AttributeView attribute; reader.next(attribute);) {
      if (attribute.type == RTA_GATEWAY) hop.gateway = read_address(reader, attribute, route.family);
      if (attribute.type == RTA_VIA) hop.gateway = read_via(reader, attribute);
    }
    outer.include(reader);
    route.next_hops.push_back(hop);
    size_t taken = std::min<size_t>(RTNH_ALIGN(header.rtnh_len), rest.size());
    rest = rest.subspan(taken);
    offset += taken;
  }
}

Error invalid(const char* what, const std::string& text) { return Error{EINVAL, "netlink", text, {}, what}; }

// Nothing when the text is empty.
Result<std::optional<IpAddress>> address_in(const std::string& text) {
  if (text.empty()) return std::optional<IpAddress>();
  auto address = parse_address(text);
  if (!address) return invalid("not an IP address", text);
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

Result<Route> parse_route(const MessageView& message) {
  struct rtmsg info;
  Bytes rest;
  if (!read_family(message.payload, info, rest)) return Error{EBADMSG, kMessage, {}, {}, "message cut off"};
  Route route;
  route.family = info.rtm_family;
  route.table = info.rtm_table;
  route.protocol = info.rtm_protocol;
  route.scope = info.rtm_scope;
  route.type = info.rtm_type;
  route.tos = info.rtm_tos;
  route.flags = info.rtm_flags;
  route.destination = {{.is_ipv6 = info.rtm_family == AF_INET6}, info.rtm_dst_len};
  if (info.rtm_src_len != 0) route.source = {{.is_ipv6 = info.rtm_family == AF_INET6}, info.rtm_src_len};
  AttributeReader reader(rest, NLMSG_HDRLEN + sizeof info);
  for (AttributeView attribute; reader.next(attribute);) {
    switch (attribute.type) {
      case RTA_DST:
        route.destination.address = read_address(reader, attribute, info.rtm_family);
        break;
      case RTA_SRC:
        route.source = {read_address(reader, attribute, info.rtm_family), info.rtm_src_len};
        break;
      case RTA_GATEWAY:
        route.gateway = read_address(reader, attribute, info.rtm_family);
        break;
      case RTA_VIA:
        route.gateway = read_via(reader, attribute);
        break;
      case RTA_PREFSRC:
        route.preferred_source = read_address(reader, attribute, info.rtm_family);
        break;
      case RTA_OIF:
        route.index = reader.u32(attribute);
        break;
      case RTA_PRIORITY:
        route.priority = reader.u32(attribute);
        break;
      case RTA_TABLE:
        // The byte in the header has no room for all of them.
        route.table = reader.u32(attribute);
        break;
      case RTA_METRICS:
        parse_metrics(reader, attribute, route);
        break;
      case RTA_MULTIPATH:
        parse_next_hops(reader, attribute, route);
        break;
      case RTA_PREF:
        route.preference = reader.u8(attribute);
        break;
      case RTA_NH_ID:
        route.nexthop_id = reader.u32(attribute);
        break;
      case RTA_CACHEINFO: {
        // Where IPv6 tells how long a route from a router advertisement lives, in ticks of a hundredth; 0 is for ever.
        auto cache = reader.leading<struct rta_cacheinfo>(attribute);
        if (cache.rta_expires > 0) route.expires_sec = static_cast<uint32_t>(cache.rta_expires) / kTicksPerSecond;
        break;
      }
      default:
        break;
    }
  }
  if (auto read = reader.finish(kMessage); !read) return read.error();
  return route;
}

void write(Batch& batch, const Route& route) {
  batch.number(route.family);
  batch.number(route.table);
  batch.number(route.protocol);
  batch.number(route.scope);
  batch.number(route.type);
  batch.number(route.tos);
  batch.number(route.flags);
  batch.number(route.index);
  batch.number(route.priority);
  batch.number(route.mtu);
  batch.number(route.preference);
  batch.number(route.expires_sec);
  batch.number(route.nexthop_id);
  // Empty: everything.
  batch.prefix(route.destination.length == 0 ? std::nullopt : std::optional(route.destination));
  batch.prefix(route.source);
  batch.address(route.gateway);
  batch.address(route.preferred_source);
  batch.number(static_cast<double>(route.next_hops.size()));
  for (const NextHop& hop : route.next_hops) {
    batch.number(hop.index);
    batch.number(hop.weight);
    batch.number(hop.flags);
    batch.address(hop.gateway);
  }
}

Result<MessageBuilder> build_route(uint16_t type, uint16_t flags, const RouteSpec& spec) {
  auto gateway = address_in(spec.gateway);
  if (!gateway) return gateway.error();
  auto preferred = address_in(spec.preferred_source);
  if (!preferred) return preferred.error();
  IpPrefix prefix;
  if (spec.destination != "default") {
    auto parsed = parse_prefix(spec.destination);
    if (!parsed) return invalid("not a prefix in CIDR notation", spec.destination);
    prefix = *parsed;
  } else if (preferred.value() || gateway.value()) {
    prefix.address.is_ipv6 = (preferred.value() ? preferred.value() : gateway.value())->is_ipv6;
  } else {
    prefix.address.is_ipv6 = spec.is_ipv6;
  }
  bool is_ipv6 = prefix.address.is_ipv6;
  // The other way round there is RTA_VIA.
  if (is_ipv6 && gateway.value() && !gateway.value()->is_ipv6) {
    return invalid("gateway and destination are of different families", spec.gateway);
  }
  if (preferred.value() && preferred.value()->is_ipv6 != is_ipv6) {
    return invalid("source address and destination are of different families", spec.preferred_source);
  }
  std::optional<IpPrefix> source;
  if (!spec.source.empty()) {
    source = parse_prefix(spec.source);
    if (!source || !source->address.is_ipv6 || !is_ipv6) return invalid("not an IPv6 prefix in CIDR notation", spec.source);
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
