#include "netlink/interface_address.h"

#include "netlink/attributes.h"
#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

constexpr const char* kNewAddress = "RTM_NEWADDR";
constexpr uint32_t kForever = UINT32_MAX;

std::optional<uint32_t> lifetime(uint32_t seconds) { return seconds == kForever ? std::nullopt : std::optional(seconds); }

Error invalid(const char* what, const std::string& text) { return Error{EINVAL, "netlink", text, {}, what}; }

}  // namespace

Result<InterfaceAddress> parse_interface_address(const MessageView& message) {
  struct ifaddrmsg info;
  Bytes rest;
  if (!read_family(message.payload, info, rest)) return Error{EBADMSG, kNewAddress, {}, {}, "message cut off"};
  InterfaceAddress address;
  address.family = info.ifa_family;
  address.index = info.ifa_index;
  address.flags = info.ifa_flags;
  address.scope = info.ifa_scope;
  std::optional<IpAddress> local;
  std::optional<IpAddress> other;
  AttributeReader reader(rest, NLMSG_HDRLEN + sizeof info);
  for (AttributeView attribute; reader.next(attribute);) {
    switch (attribute.type) {
      case IFA_LOCAL:
        local = read_address(reader, attribute, info.ifa_family);
        break;
      case IFA_ADDRESS:
        other = read_address(reader, attribute, info.ifa_family);
        break;
      case IFA_BROADCAST:
        address.broadcast = read_address(reader, attribute, info.ifa_family);
        break;
      case IFA_LABEL:
        address.label = reader.text(attribute);
        break;
      case IFA_FLAGS:
        // All of them; the byte in the header has no room for the newer ones.
        address.flags = reader.u32(attribute);
        break;
      case IFA_PROTO:
        address.protocol = reader.u8(attribute);
        break;
      case IFA_CACHEINFO: {
        auto times = reader.leading<struct ifa_cacheinfo>(attribute);
        address.valid_lifetime_sec = lifetime(times.ifa_valid);
        address.preferred_lifetime_sec = lifetime(times.ifa_prefered);
        break;
      }
      default:
        break;
    }
  }
  if (auto read = reader.finish(kNewAddress); !read) return read.error();
  if (!local && !other) return Error{EBADMSG, kNewAddress, {}, {}, "address message without an address"};
  // IPv4 always has both, IPv6 the local one only beside a peer.
  address.local = {local ? *local : *other, info.ifa_prefixlen};
  if (local && other && *local != *other) address.peer = other;
  return address;
}

void write(Batch& batch, const InterfaceAddress& address) {
  batch.number(address.family);
  batch.number(address.index);
  batch.number(address.flags);
  batch.number(address.scope);
  batch.number(address.protocol);
  batch.number(address.valid_lifetime_sec);
  batch.number(address.preferred_lifetime_sec);
  batch.prefix(address.local);
  batch.address(address.peer);
  batch.address(address.broadcast);
  batch.text(address.label);
}

Result<MessageBuilder> build_interface_address(uint16_t type, uint16_t flags, const InterfaceAddressSpec& spec) {
  auto prefix = parse_prefix(spec.address);
  if (!prefix) return invalid("not an address in CIDR notation", spec.address);
  std::optional<IpAddress> peer;
  if (!spec.peer.empty()) {
    peer = parse_address(spec.peer);
    if (!peer || peer->is_ipv6 != prefix->address.is_ipv6) return invalid("not an IP address of the same family", spec.peer);
  }
  std::optional<IpAddress> broadcast = peer ? std::nullopt : broadcast_of(*prefix);
  if (!spec.broadcast.empty()) {
    broadcast = parse_address(spec.broadcast);
    if (!broadcast || broadcast->is_ipv6) return invalid("not an IPv4 address", spec.broadcast);
  }
  struct ifaddrmsg info = {};
  info.ifa_family = prefix->address.family();
  info.ifa_prefixlen = prefix->length;
  info.ifa_index = spec.index;
  info.ifa_scope = spec.scope.value_or(RT_SCOPE_UNIVERSE);
  MessageBuilder request(type, NLM_F_REQUEST | NLM_F_ACK | flags, info);
  request.attribute(IFA_LOCAL, prefix->address.view());
  request.attribute(IFA_ADDRESS, (peer ? *peer : prefix->address).view());
  if (type == RTM_DELADDR) return request;
  if (broadcast) request.attribute(IFA_BROADCAST, broadcast->view());
  if (!spec.label.empty()) request.attribute(IFA_LABEL, std::string_view(spec.label));
  if (spec.flags != 0) request.attribute(IFA_FLAGS, spec.flags);
  if (spec.protocol) request.attribute_u8(IFA_PROTO, *spec.protocol);
  if (spec.valid_lifetime_sec || spec.preferred_lifetime_sec) {
    struct ifa_cacheinfo times = {};
    times.ifa_valid = spec.valid_lifetime_sec.value_or(kForever);
    times.ifa_prefered = spec.preferred_lifetime_sec.value_or(times.ifa_valid);
    request.attribute(IFA_CACHEINFO, Bytes(reinterpret_cast<const uint8_t*>(&times), sizeof times));
  }
  return request;
}

}  // namespace talos::netlink
