#include "netlink/name_servers.h"

#include <algorithm>
#include <array>
#include <utility>

#include "netlink/attributes.h"
#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

constexpr uint32_t kGroup = 1u << (RTNLGRP_ND_USEROPT - 1);
// An advertisement has a few options; the kernel charges about 1 KiB for each.
constexpr int kQueueBytes = 256 * 1024;
// An option has at most 255 units of 8 bytes, and comes alone.
constexpr size_t kMessageBytes = 4096;

constexpr uint8_t kRouterAdvertisement = 134;
constexpr uint8_t kRdnss = 25;
constexpr size_t kUnit = 8;
constexpr size_t kAddressBytes = 16;

// The address in the attributes behind the option.
std::optional<IpAddress> router_of(Bytes attributes, size_t offset) {
  std::optional<IpAddress> router;
  AttributeReader reader(attributes, offset);
  for (AttributeView attribute; reader.next(attribute);) {
    if (attribute.type == NDUSEROPT_SRCADDR) router = read_address(reader, attribute, AF_INET6);
  }
  return reader.finish("RTM_NEWNDUSEROPT") ? router : std::nullopt;
}

}  // namespace

std::optional<NameServers> parse_name_servers(const MessageView& message) {
  struct nduseroptmsg info;
  Bytes rest;
  if (message.type != RTM_NEWNDUSEROPT || !read_family(message.payload, info, rest)) return std::nullopt;
  const bool is_advertisement = info.nduseropt_family == AF_INET6 && info.nduseropt_icmp_type == kRouterAdvertisement;
  if (!is_advertisement || info.nduseropt_icmp_code != 0 || info.nduseropt_opts_len > rest.size()) return std::nullopt;
  const Bytes option = rest.first(info.nduseropt_opts_len);
  if (option.size() < kUnit || option[0] != kRdnss) return std::nullopt;
  // The head is one unit, and each address two.
  const size_t units = option[1];
  if (units < 3 || units % 2 == 0 || units * kUnit > option.size()) return std::nullopt;
  const size_t padded = std::min<size_t>(NLMSG_ALIGN(option.size()), rest.size());
  auto router = router_of(rest.subspan(padded), NLMSG_HDRLEN + sizeof info + padded);
  if (!router) return std::nullopt;
  NameServers found;
  found.index = static_cast<uint32_t>(info.nduseropt_ifindex);
  found.router = *router;
  uint32_t lifetime;
  std::memcpy(&lifetime, option.data() + 4, sizeof lifetime);
  found.lifetime_seconds = ntohl(lifetime);
  for (size_t at = kUnit; at < units * kUnit; at += kAddressBytes) {
    IpAddress& server = found.servers.emplace_back();
    server.is_ipv6 = true;
    std::copy_n(option.begin() + static_cast<ptrdiff_t>(at), kAddressBytes, server.bytes.begin());
  }
  return found;
}

void write(Batch& batch, const NameServers& name_servers) {
  batch.number(kNameServersRecord);
  batch.number(name_servers.index);
  batch.address(name_servers.router);
  batch.number(name_servers.lifetime_seconds);
  batch.number(static_cast<double>(name_servers.servers.size()));
  for (const IpAddress& server : name_servers.servers) batch.address(server);
}

Result<NameServerSocket> NameServerSocket::open() {
  auto fd = sys::open_route_monitor(kGroup, kQueueBytes);
  if (!fd) return fd.error();
  return NameServerSocket(std::move(fd).value());
}

Result<NameServerSocket::Outcome> NameServerSocket::receive(Batch& batch) {
  using Datagram = sys::NetlinkDatagram::Kind;
  std::array<uint8_t, kMessageBytes> buffer;
  for (int count = 0; count < kBatchMessages; count++) {
    auto datagram = sys::receive_netlink(fd_.get(), buffer);
    if (!datagram) return datagram.error();
    if (datagram.value().kind == Datagram::kNothing) {
      if (std::exchange(has_lost_, false)) batch.number(kLossRecord);
      return Outcome::kEmpty;
    }
    if (datagram.value().kind == Datagram::kOverrun) has_lost_ = true;
    // Any root process may send to the group; the kernel alone has port 0.
    if (datagram.value().kind == Datagram::kOverrun || datagram.value().sender_port != 0) continue;
    auto messages = datagram.value().is_truncated ? Error{EBADMSG} : split_messages(Bytes(buffer).first(datagram.value().size));
    // One of the kernel's that we cannot read is one that we do not know: the same cure as for a lost one.
    if (!messages) has_lost_ = true;
    if (!messages) continue;
    for (const MessageView& message : messages.value()) {
      if (auto name_servers = parse_name_servers(message)) write(batch, *name_servers);
    }
  }
  return Outcome::kMore;
}

}  // namespace talos::netlink
