#include "dhcp/socket.h"

#include "dhcp/datagram.h"
#include "dhcp/filter.h"
#include "sys/packet_calls.h"

namespace talos::dhcp {
namespace {

constexpr Ipv4 kBroadcast = 0xffffffff;
// We ask for at most an Ethernet frame's worth; a server that sends more sends fragments.
constexpr size_t kBufferBytes = 4096;

}  // namespace

Result<DhcpSocket> DhcpSocket::open(uint32_t interface_index, const Mac& mac) {
  auto packets = sys::open_packet_socket(interface_index, reply_filter(mac));
  if (!packets) return packets.error();
  auto ip = sys::open_ip_socket(interface_index);
  if (!ip) return ip.error();
  return DhcpSocket(interface_index, mac, std::move(packets).value(), std::move(ip).value());
}

Result<void> DhcpSocket::broadcast(const ClientMessage& message, Ipv4 source) {
  return sys::broadcast_packet(packets_.get(), interface_index_, wrap(encode(message), source, kBroadcast));
}

Result<void> DhcpSocket::unicast(const ClientMessage& message, Ipv4 source, Ipv4 destination) {
  return sys::send_ip_packet(ip_.get(), destination, wrap(encode(message), source, destination));
}

Result<Outcome> DhcpSocket::receive() {
  std::array<uint8_t, kBufferBytes> buffer;
  auto packet = sys::receive_packet(packets_.get(), buffer);
  if (!packet) return packet.error();
  if (!packet.value().is_there) return Outcome(NoMessage{});
  const PacketFacts facts{packet.value().is_checksum_ready, packet.value().vlan_id, packet.value().is_truncated};
  auto payload = unwrap(Bytes(buffer).first(packet.value().size), facts);
  if (!payload) return Outcome(Rejected{payload.error().detail});
  auto message = decode(payload.value(), mac_);
  if (!message) return Outcome(Rejected{message.error().detail});
  return Outcome(std::move(message).value());
}

}  // namespace talos::dhcp
