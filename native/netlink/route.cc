#include "netlink/route.h"

#include "netlink/address.h"
#include "netlink/route_socket.h"
#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

std::string format_mac(Bytes bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (uint8_t byte : bytes) {
    if (!text.empty()) text += ':';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

uint8_t family_of(const IpAddress& address) { return address.is_ipv6 ? AF_INET6 : AF_INET; }

Error invalid(const char* what, const std::string& text) { return Error{EINVAL, "netlink", text, {}, what}; }

}  // namespace

Result<Link> parse_link(const MessageView& message) {
  struct ifinfomsg info;
  Bytes rest;
  if (!read_family(message.payload, info, rest)) return Error{EBADMSG, "netlink", {}, {}, "link message cut off"};
  auto attributes = split_attributes(rest);
  if (!attributes) return attributes.error();
  Link link;
  link.index = info.ifi_index;
  link.type = info.ifi_type;
  link.is_up = (info.ifi_flags & IFF_UP) != 0;
  link.has_carrier = (info.ifi_flags & IFF_RUNNING) != 0;
  for (const AttributeView& attribute : attributes.value()) {
    switch (attribute.type) {
      case IFLA_IFNAME:
        link.name = attribute_string(attribute).value_or("");
        break;
      case IFLA_ADDRESS:
        link.mac = format_mac(attribute.payload);
        break;
      case IFLA_MTU:
        link.mtu = attribute_u32(attribute).value_or(0);
        break;
      case IFLA_CARRIER:
        if (attribute.payload.size() == 1) link.has_carrier = attribute.payload[0] != 0;
        break;
      default:
        break;
    }
  }
  if (link.index <= 0 || link.name.empty()) return Error{EBADMSG, "netlink", {}, {}, "link without index or name"};
  return link;
}

Result<std::vector<Link>> list_links() {
  auto socket = RouteSocket::open();
  if (!socket) return socket.error();
  std::vector<Link> links;
  auto done = socket.value().dump(
      [] {
        MessageBuilder request(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, ifinfomsg{});
        request.attribute(IFLA_EXT_MASK, uint32_t{RTEXT_FILTER_SKIP_STATS});
        return request;
      },
      [&] { links.clear(); },
      [&](const MessageView& message) -> Result<void> {
        if (message.type != RTM_NEWLINK) return {};
        auto link = parse_link(message);
        if (!link) return link.error();
        links.push_back(std::move(link).value());
        return {};
      });
  if (!done) return done.error();
  return links;
}

Result<void> set_link_up(uint32_t index) {
  auto socket = RouteSocket::open();
  if (!socket) return socket.error();
  struct ifinfomsg info = {};
  info.ifi_index = static_cast<int>(index);
  info.ifi_flags = IFF_UP;
  info.ifi_change = IFF_UP;
  MessageBuilder request(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, info);
  return socket.value().request(request);
}

Result<void> add_address(uint32_t index, const std::string& address) {
  auto prefix = parse_prefix(address);
  if (!prefix) return invalid("not an address in CIDR notation", address);
  auto socket = RouteSocket::open();
  if (!socket) return socket.error();
  struct ifaddrmsg info = {};
  info.ifa_family = family_of(prefix->address);
  info.ifa_prefixlen = prefix->length;
  info.ifa_index = index;
  MessageBuilder request(RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, info);
  request.attribute(IFA_LOCAL, prefix->address.view());
  request.attribute(IFA_ADDRESS, prefix->address.view());
  if (auto broadcast = broadcast_of(*prefix)) request.attribute(IFA_BROADCAST, broadcast->view());
  auto added = socket.value().request(request);
  if (!added && added.error().errno_value == EEXIST) return {};
  if (!added) added.error().path = address;
  return added;
}

Result<void> add_route(const std::string& destination, const std::string& gateway, uint32_t index) {
  std::optional<IpAddress> via;
  if (!gateway.empty() && !(via = parse_address(gateway))) return invalid("not an IP address", gateway);
  IpPrefix prefix;
  if (destination == "default") {
    prefix.address.is_ipv6 = via && via->is_ipv6;
  } else if (auto parsed = parse_prefix(destination)) {
    prefix = *parsed;
  } else {
    return invalid("not a prefix in CIDR notation", destination);
  }
  if (via && via->is_ipv6 != prefix.address.is_ipv6) return invalid("gateway and destination are of different families", gateway);

  auto socket = RouteSocket::open();
  if (!socket) return socket.error();
  struct rtmsg info = {};
  info.rtm_family = family_of(prefix.address);
  info.rtm_dst_len = prefix.length;
  info.rtm_table = RT_TABLE_MAIN;
  info.rtm_protocol = RTPROT_STATIC;
  info.rtm_scope = via || prefix.address.is_ipv6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  info.rtm_type = RTN_UNICAST;
  MessageBuilder request(RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, info);
  if (prefix.length > 0) request.attribute(RTA_DST, prefix.address.view());
  if (via) request.attribute(RTA_GATEWAY, via->view());
  request.attribute(RTA_OIF, index);
  auto added = socket.value().request(request);
  if (!added) added.error().path = destination;
  return added;
}

}  // namespace talos::netlink
