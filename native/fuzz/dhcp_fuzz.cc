// Everything that reads what came from the network: the headers, then the message, whatever the headers said.
#include "dhcp/datagram.h"
#include "dhcp/message.h"

using talos::dhcp::Bytes;

// The first byte says what the kernel said about the packet; the rest is the packet.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr talos::dhcp::Mac kMac = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
  // Bytes of the IP and UDP header without options.
  constexpr size_t kHeaders = 28;
  if (size == 0) return 0;
  const talos::dhcp::PacketFacts facts{.is_checksum_ready = (data[0] & 1) == 0,
                                       .vlan_id = static_cast<uint16_t>(data[0] >> 4),
                                       .is_truncated = (data[0] & 2) != 0};
  const Bytes packet(data + 1, size - 1);
  if (auto payload = talos::dhcp::unwrap(packet, facts); payload) (void)talos::dhcp::decode(payload.value(), kMac).ok();
  // Hardly any input has the right sums: the message is read without its headers too.
  if (packet.size() >= kHeaders) (void)talos::dhcp::decode(packet.subspan(kHeaders), kMac).ok();
  return 0;
}
