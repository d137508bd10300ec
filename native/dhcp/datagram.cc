#include "dhcp/datagram.h"

#include <algorithm>

#include "dhcp/wire.h"

namespace talos::dhcp {
namespace {

using namespace wire;

constexpr size_t kIpHeader = 20;
constexpr size_t kUdpHeader = 8;
constexpr uint8_t kUdp = 17;
constexpr uint8_t kTimeToLive = 64;
// More fragments, and the offset of this one.
constexpr uint16_t kFragment = 0x3fff;

// The sum of RFC 1071 over 16-bit words; an odd byte at the end is the upper half of one.
uint32_t add_words(Bytes bytes, uint32_t sum) {
  size_t position = 0;
  for (; position + 1 < bytes.size(); position += 2) sum += read_u16(bytes, position);
  if (position < bytes.size()) sum += static_cast<uint32_t>(bytes[position]) << 8;
  return sum;
}

uint16_t fold(uint32_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

// UDP's sum covers the addresses, protocol and length as well. A datagram has less than 2^16 bytes: the sum cannot overflow.
uint16_t udp_sum(Bytes addresses, Bytes datagram) {
  return fold(add_words(datagram, add_words(addresses, kUdp + static_cast<uint32_t>(datagram.size()))));
}

}  // namespace

std::vector<uint8_t> wrap(Bytes payload, Ipv4 source, Ipv4 destination) {
  std::vector<uint8_t> packet(kIpHeader + kUdpHeader, 0);
  packet.insert(packet.end(), payload.begin(), payload.end());
  packet[0] = 0x45;
  write_u16(packet, 2, static_cast<uint16_t>(packet.size()));
  packet[8] = kTimeToLive;
  packet[9] = kUdp;
  write_u32(packet, 12, source);
  write_u32(packet, 16, destination);
  const std::span<uint8_t> all(packet);
  write_u16(packet, 10, static_cast<uint16_t>(~fold(add_words(all.first(kIpHeader), 0))));

  const std::span<uint8_t> udp = all.subspan(kIpHeader);
  write_u16(udp, 0, kClientPort);
  write_u16(udp, 2, kServerPort);
  write_u16(udp, 4, static_cast<uint16_t>(udp.size()));
  const auto checksum = static_cast<uint16_t>(~udp_sum(all.subspan(12, 8), udp));
  // 0 would mean that there is none.
  write_u16(udp, 6, checksum == 0 ? uint16_t{0xffff} : checksum);
  return packet;
}

Result<Bytes> unwrap(Bytes packet, const PacketFacts& facts) {
  if (facts.is_truncated) return malformed("a packet larger than any that was asked for");
  if (facts.vlan_id != 0) return malformed("a packet of VLAN " + std::to_string(facts.vlan_id));
  if (packet.size() < kIpHeader) return malformed("half an IP header");
  const size_t header = size_t{packet[0] & 0x0fU} * 4;
  if (packet[0] >> 4 != 4 || header < kIpHeader) return malformed("no IPv4 header", 0);
  const size_t total = read_u16(packet, 2);
  if (total > packet.size() || total < header + kUdpHeader) return malformed("an impossible IP length", 2);
  if ((read_u16(packet, 6) & kFragment) != 0) return malformed("a fragment", 6);
  if (packet[9] != kUdp) return malformed("not UDP", 9);
  if (fold(add_words(packet.first(header), 0)) != 0xffff) return malformed("a wrong IP checksum", 10);

  const Bytes udp = packet.subspan(header, total - header);
  const size_t length = read_u16(udp, 4);
  if (read_u16(udp, 2) != kClientPort) return malformed("not for the port of DHCP clients", header + 2);
  if (length < kUdpHeader || length > udp.size()) return malformed("an impossible UDP length", header + 4);
  const Bytes datagram = udp.first(length);
  const bool has_checksum = read_u16(udp, 6) != 0;
  if (has_checksum && facts.is_checksum_ready && udp_sum(packet.subspan(12, 8), datagram) != 0xffff) {
    return malformed("a wrong UDP checksum", header + 6);
  }
  return datagram.subspan(kUdpHeader);
}

}  // namespace talos::dhcp
