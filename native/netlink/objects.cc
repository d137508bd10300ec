#include "netlink/objects.h"

#include "netlink/interface_address.h"
#include "netlink/link.h"
#include "netlink/neighbour.h"
#include "netlink/route.h"
#include "netlink/rule.h"
#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

bool is_ip(uint8_t family, uint8_t wanted) {
  return wanted == AF_UNSPEC ? family == AF_INET || family == AF_INET6 : family == wanted;
}

bool is_object(const Link& link, uint8_t) { return link.family == AF_UNSPEC && !link.is_wireless_event; }
bool is_object(const Route& route, uint8_t) { return (route.flags & RTM_F_CLONED) == 0; }
template <typename Object>
bool is_object(const Object&, uint8_t) {
  return true;
}

template <typename Object>
Result<bool> write_parsed(Batch& batch, double head, const Result<Object>& parsed, uint8_t family) {
  if (!parsed) return parsed.error();
  if (!is_object(parsed.value(), family)) return false;
  batch.number(head);
  write(batch, parsed.value());
  return true;
}

// Every family struct of these messages begins with it.
uint8_t family_of(const MessageView& message) { return message.payload.empty() ? AF_UNSPEC : message.payload[0]; }

}  // namespace

double record_head(Kind kind, What what) {
  return static_cast<double>(static_cast<unsigned>(kind) | static_cast<unsigned>(what) << 3);
}

std::optional<Kind> kind_of(uint16_t message_type) {
  switch (message_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return Kind::kLink;
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return Kind::kAddress;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return Kind::kRoute;
    case RTM_NEWRULE:
    case RTM_DELRULE:
      return Kind::kRule;
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
      return Kind::kNeighbour;
    default:
      return std::nullopt;
  }
}

bool is_removal(uint16_t message_type) {
  return message_type == RTM_DELLINK || message_type == RTM_DELADDR || message_type == RTM_DELROUTE ||
         message_type == RTM_DELRULE || message_type == RTM_DELNEIGH;
}

Result<bool> write_object(Batch& batch, const MessageView& message, What what, uint8_t family) {
  auto kind = kind_of(message.type);
  if (!kind) return false;
  double head = record_head(*kind, what);
  if (*kind == Kind::kLink) return write_parsed(batch, head, parse_link(message), family);
  // Their attributes mean something else in other families.
  if (!message.payload.empty() && !is_ip(family_of(message), family)) return false;
  if (*kind == Kind::kAddress) return write_parsed(batch, head, parse_interface_address(message), family);
  if (*kind == Kind::kRoute) return write_parsed(batch, head, parse_route(message), family);
  if (*kind == Kind::kRule) return write_parsed(batch, head, parse_rule(message), family);
  return write_parsed(batch, head, parse_neighbour(message), family);
}

bool may_remove_routes(const MessageView& message) {
  if (message.type == RTM_NEWNEXTHOP || message.type == RTM_DELNEXTHOP) return true;
  if (message.type == RTM_DELADDR) return family_of(message) == AF_INET;
  if (message.type != RTM_NEWLINK && message.type != RTM_DELLINK) return false;
  struct ifinfomsg info;
  Bytes rest;
  if (!read_family(message.payload, info, rest) || info.ifi_family != AF_UNSPEC) return false;
  if (message.type == RTM_DELLINK) return true;
  // All bits: a link that is new.
  bool went_down = (info.ifi_flags & IFF_UP) == 0 && (info.ifi_change & IFF_UP) != 0;
  return went_down && info.ifi_change != UINT32_MAX;
}

}  // namespace talos::netlink
