#include "netlink/link.h"

#include <algorithm>

#include "netlink/attributes.h"
#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

constexpr const char* kNewLink = "RTM_NEWLINK";

std::vector<uint8_t> to_vector(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

void parse_info_data(AttributeReader& outer, const AttributeView& data, Link& link) {
  if (link.kind != "vlan") return;
  AttributeReader reader(data);
  for (AttributeView attribute; reader.next(attribute);) {
    if (attribute.type == IFLA_VLAN_ID) link.vlan_id = reader.u16(attribute);
  }
  outer.include(reader);
}

void parse_info(AttributeReader& outer, const AttributeView& info, Link& link) {
  AttributeReader reader(info);
  // The kernel writes the kind before the data.
  for (AttributeView attribute; reader.next(attribute);) {
    if (attribute.type == IFLA_INFO_KIND) link.kind = reader.text(attribute);
    if (attribute.type == IFLA_INFO_DATA) parse_info_data(reader, attribute, link);
  }
  outer.include(reader);
}

void parse_names(AttributeReader& outer, const AttributeView& list, Link& link) {
  AttributeReader reader(list);
  for (AttributeView attribute; reader.next(attribute);) {
    if (attribute.type == IFLA_ALT_IFNAME) link.alternative_names.emplace_back(reader.text(attribute));
  }
  outer.include(reader);
}

Result<void> add_settings(MessageBuilder& request, const LinkChange& change) {
  if (!change.name.empty()) request.attribute(IFLA_IFNAME, std::string_view(change.name));
  if (change.mtu) request.attribute(IFLA_MTU, *change.mtu);
  if (change.transmit_queue_length) request.attribute(IFLA_TXQLEN, *change.transmit_queue_length);
  if (change.master) request.attribute(IFLA_MASTER, *change.master);
  if (change.alias) request.attribute(IFLA_IFALIAS, std::string_view(*change.alias));
  if (change.mac.empty()) return {};
  auto mac = parse_mac(change.mac);
  if (!mac) return Error{EINVAL, "netlink", change.mac, {}, "not a hardware address"};
  request.attribute(IFLA_ADDRESS, *mac);
  return {};
}

struct ifinfomsg header_of(uint32_t index, const LinkChange& change) {
  struct ifinfomsg info = {};
  info.ifi_index = static_cast<int>(index);
  if (change.is_up) {
    info.ifi_change = IFF_UP;
    info.ifi_flags = *change.is_up ? IFF_UP : 0;
  }
  return info;
}

Result<void> add_info_data(MessageBuilder& request, const NewLink& link) {
  if (link.vlan_id) request.attribute_u16(IFLA_VLAN_ID, *link.vlan_id);
  if (link.vlan_protocol) request.attribute_u16(IFLA_VLAN_PROTOCOL, htons(*link.vlan_protocol));
  if (link.bond_mode) request.attribute_u8(IFLA_BOND_MODE, *link.bond_mode);
  if (link.bond_miimon_ms) request.attribute(IFLA_BOND_MIIMON, *link.bond_miimon_ms);
  if (link.vlan_filtering) request.attribute_u8(IFLA_BR_VLAN_FILTERING, *link.vlan_filtering ? 1 : 0);
  if (link.spanning_tree) request.attribute(IFLA_BR_STP_STATE, uint32_t{*link.spanning_tree ? 1u : 0u});
  if (!link.peer) return {};
  size_t nest = request.begin_nest(VETH_INFO_PEER);
  request.raw(header_of(0, *link.peer));
  auto added = add_settings(request, *link.peer);
  request.end_nest(nest);
  return added;
}

}  // namespace

Result<Link> parse_link(const MessageView& message) {
  struct ifinfomsg info;
  Bytes rest;
  if (!read_family(message.payload, info, rest)) return Error{EBADMSG, kNewLink, {}, {}, "message cut off"};
  Link link;
  link.index = info.ifi_index;
  link.family = info.ifi_family;
  link.type = info.ifi_type;
  link.flags = info.ifi_flags;
  link.has_carrier = (info.ifi_flags & IFF_RUNNING) != 0;
  AttributeReader reader(rest, NLMSG_HDRLEN + sizeof info);
  for (AttributeView attribute; reader.next(attribute);) {
    switch (attribute.type) {
      case IFLA_IFNAME:
        link.name = reader.text(attribute);
        break;
      case IFLA_ADDRESS:
        link.mac = to_vector(attribute.payload);
        break;
      case IFLA_BROADCAST:
        link.broadcast = to_vector(attribute.payload);
        break;
      case IFLA_MTU:
        link.mtu = reader.u32(attribute);
        break;
      case IFLA_TXQLEN:
        link.transmit_queue_length = reader.u32(attribute);
        break;
      case IFLA_OPERSTATE:
        link.oper_state = reader.u8(attribute);
        break;
      case IFLA_CARRIER:
        link.has_carrier = reader.u8(attribute) != 0;
        break;
      case IFLA_MASTER:
        link.master = reader.u32(attribute);
        break;
      case IFLA_LINK:
        link.parent = reader.u32(attribute);
        break;
      case IFLA_IFALIAS:
        link.alias = reader.text(attribute);
        break;
      case IFLA_LINKINFO:
        // A bridge tells the same attribute about its port in a message of its own family, with other content.
        if (link.family == AF_UNSPEC) parse_info(reader, attribute, link);
        break;
      case IFLA_PROP_LIST:
        parse_names(reader, attribute, link);
        break;
      case IFLA_WIRELESS:
        link.is_wireless_event = true;
        break;
      default:
        break;
    }
  }
  if (auto read = reader.finish(kNewLink); !read) return read.error();
  if (link.index <= 0 || link.name.empty()) return Error{EBADMSG, kNewLink, {}, {}, "link without index or name"};
  return link;
}

void write(Batch& batch, const Link& link) {
  batch.number(link.index);
  batch.number(link.type);
  batch.number(link.flags);
  batch.number(link.mtu);
  batch.number(link.transmit_queue_length);
  batch.number(link.oper_state);
  batch.number(link.has_carrier ? 1 : 0);
  batch.number(link.master);
  batch.number(link.parent);
  batch.number(link.vlan_id);
  batch.text(link.name);
  batch.mac(link.mac);
  batch.mac(link.broadcast);
  batch.text(link.kind);
  batch.text(link.alias);
  batch.number(static_cast<double>(link.alternative_names.size()));
  for (const std::string& name : link.alternative_names) batch.text(name);
}

Result<MessageBuilder> build_new_link(const NewLink& link) {
  MessageBuilder request(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, header_of(0, link.settings));
  if (auto added = add_settings(request, link.settings); !added) return added.error();
  if (link.parent) request.attribute(IFLA_LINK, *link.parent);
  size_t info = request.begin_nest(IFLA_LINKINFO);
  request.attribute(IFLA_INFO_KIND, std::string_view(link.kind));
  size_t data = request.begin_nest(IFLA_INFO_DATA);
  if (auto added = add_info_data(request, link); !added) return added.error();
  request.end_nest(data).end_nest(info);
  return request;
}

Result<MessageBuilder> build_link_change(uint32_t index, const LinkChange& change) {
  MessageBuilder request(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, header_of(index, change));
  if (auto added = add_settings(request, change); !added) return added.error();
  return request;
}

MessageBuilder build_link_removal(uint32_t index) {
  return MessageBuilder(RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK, header_of(index, {}));
}

MessageBuilder build_link_query(uint32_t index, const std::string& name) {
  MessageBuilder request(RTM_GETLINK, NLM_F_REQUEST, header_of(index, {}));
  if (index == 0) request.attribute(IFLA_IFNAME, std::string_view(name));
  request.attribute(IFLA_EXT_MASK, uint32_t{RTEXT_FILTER_SKIP_STATS});
  return request;
}

}  // namespace talos::netlink
