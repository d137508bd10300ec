#include "netlink/route.h"

#include "netlink/attributes.h"
#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

constexpr const char* kNewRoute = "RTM_NEWROUTE";
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

}  // namespace

Result<Route> parse_route(const MessageView& message) {
  struct rtmsg info;
  Bytes rest;
  if (!read_family(message.payload, info, rest)) return Error{EBADMSG, kNewRoute, {}, {}, "message cut off"};
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
  if (auto read = reader.finish(kNewRoute); !read) return read.error();
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

}  // namespace talos::netlink
