// IPv4 and UDP around a DHCP message: a packet socket sends and hears both headers (RFC 791, 768, 1071). Pure.
#pragma once

#include <vector>

#include "dhcp/message.h"

namespace talos::dhcp {

// From our port 68 to a server's 67, checksums included.
std::vector<uint8_t> wrap(Bytes payload, Ipv4 source, Ipv4 destination);

// What the kernel says about a packet beside its bytes (packet(7), PACKET_AUXDATA).
struct PacketFacts {
  // False: it comes from this machine, and the network card was to compute the UDP checksum.
  bool is_checksum_ready = true;
  // Of the VLAN tag that was taken off the frame; 0 without one. A frame of a VLAN is not for the interface that it came by.
  uint16_t vlan_id = 0;
  // The buffer was too small for it.
  bool is_truncated = false;
};

// The payload of a datagram for port 68. EBADMSG for anything else: a fragment, a wrong length or checksum, a VLAN. What stands
// behind the IP packet is the padding of a short Ethernet frame. The port of the sender is not looked at: RFC 2131 does not bind
// servers to theirs.
Result<Bytes> unwrap(Bytes packet, const PacketFacts& facts);

}  // namespace talos::dhcp
