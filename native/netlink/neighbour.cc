#include "netlink/neighbour.h"

#include "netlink/attributes.h"
#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

constexpr const char* kNewNeighbour = "RTM_NEWNEIGH";

}  // namespace

Result<Neighbour> parse_neighbour(const MessageView& message) {
  struct ndmsg info;
  Bytes rest;
  if (!read_family(message.payload, info, rest)) return Error{EBADMSG, kNewNeighbour, {}, {}, "message cut off"};
  Neighbour neighbour;
  neighbour.family = info.ndm_family;
  neighbour.index = static_cast<uint32_t>(info.ndm_ifindex);
  neighbour.state = info.ndm_state;
  neighbour.flags = info.ndm_flags;
  bool has_address = false;
  AttributeReader reader(rest, NLMSG_HDRLEN + sizeof info);
  for (AttributeView attribute; reader.next(attribute);) {
    switch (attribute.type) {
      case NDA_DST:
        neighbour.address = read_address(reader, attribute, info.ndm_family);
        has_address = true;
        break;
      case NDA_LLADDR:
        neighbour.mac.assign(attribute.payload.begin(), attribute.payload.end());
        break;
      case NDA_PROTOCOL:
        neighbour.protocol = reader.u8(attribute);
        break;
      default:
        break;
    }
  }
  if (auto read = reader.finish(kNewNeighbour); !read) return read.error();
  if (!has_address) return Error{EBADMSG, kNewNeighbour, {}, {}, "neighbour without an address"};
  return neighbour;
}

void write(Batch& batch, const Neighbour& neighbour) {
  batch.number(neighbour.family);
  batch.number(neighbour.index);
  batch.number(neighbour.state);
  batch.number(neighbour.flags);
  batch.number(neighbour.protocol);
  batch.address(neighbour.address);
  batch.mac(neighbour.mac);
}

Result<MessageBuilder> build_neighbour(uint16_t type, uint16_t flags, const NeighbourSpec& spec) {
  auto address = parse_address(spec.address);
  if (!address) return Error{EINVAL, "netlink", spec.address, {}, "not an IP address"};
  struct ndmsg info = {};
  info.ndm_family = address->family();
  info.ndm_ifindex = static_cast<int>(spec.index);
  info.ndm_state = spec.state;
  info.ndm_flags = spec.flags;
  MessageBuilder request(type, NLM_F_REQUEST | NLM_F_ACK | flags, info);
  request.attribute(NDA_DST, address->view());
  if (spec.mac.empty()) return request;
  auto mac = parse_mac(spec.mac);
  if (!mac) return Error{EINVAL, "netlink", spec.mac, {}, "not a hardware address"};
  request.attribute(NDA_LLADDR, *mac);
  return request;
}

}  // namespace talos::netlink
