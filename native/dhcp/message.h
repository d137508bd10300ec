// DHCPv4 messages as a client writes and reads them (RFC 2131, 2132). Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace talos::dhcp {

using Bytes = std::span<const uint8_t>;
// In the byte order of this machine.
using Ipv4 = uint32_t;
using Mac = std::array<uint8_t, 6>;

// Values of option 53.
enum class MessageType : uint8_t { kDiscover = 1, kOffer, kRequest, kDecline, kAck, kNak, kRelease };

// What a client says. Which fields a message must and must not have is in table 5 of RFC 2131; encode() writes what is there.
struct ClientMessage {
  MessageType type = MessageType::kDiscover;
  uint32_t xid = 0;
  // Since the client began to look for an address.
  uint16_t seconds = 0;
  Mac mac{};
  // ciaddr: the address that the client has and answers for; 0 without one.
  Ipv4 client_address = 0;
  std::optional<Ipv4> requested_address{};
  std::optional<Ipv4> server_id{};
  // Asks the server to know us by this name; empty: no wish.
  std::string hostname{};
  // Largest answer that we take, IP header included; 576 is what everybody must take.
  uint16_t max_message_bytes = 576;
};

// The BOOTP part and options, padded to the 300 bytes that old relays insist on. The client identifier is type 1 and the MAC
// address (RFC 2132, section 9.14): a node's disk may be empty, so there is nothing that could keep a DUID of RFC 4361 across a
// restart.
std::vector<uint8_t> encode(const ClientMessage& message);

struct Route {
  Ipv4 destination = 0;
  uint8_t prefix_length = 0;
  // 0: the destination is on the link itself.
  Ipv4 gateway = 0;
};

// What a server says. Addresses that no host can have (0.0.0.0, loopback, multicast, broadcast) are left out of the lists, and so
// are names that are none by RFC 1123.
struct ServerMessage {
  MessageType type = MessageType::kOffer;
  uint32_t xid = 0;
  // yiaddr; 0 in a NAK.
  Ipv4 your_address = 0;
  Ipv4 server_id = 0;
  // 0xffffffff is for ever. There and not 0 in OFFER and ACK.
  uint32_t lease_seconds = 0;
  // 0 when the server says nothing.
  uint32_t renewal_seconds = 0;
  uint32_t rebinding_seconds = 0;
  std::optional<uint8_t> prefix_length{};
  std::vector<Ipv4> routers{};
  // Option 121, which takes the place of `routers` when it is there, even if it holds no route that could be used (RFC 3442).
  std::optional<std::vector<Route>> routes{};
  std::vector<Ipv4> dns_servers{};
  std::vector<Ipv4> ntp_servers{};
  std::string domain{};
  std::vector<std::string> search_domains{};
  std::optional<uint16_t> mtu{};
  std::string hostname{};
  // The server's reason for a NAK; whatever is not printable ASCII is '?'.
  std::string text{};
};

// The UDP payload of an OFFER, ACK or NAK to this MAC address. EBADMSG whose detail says what is wrong, and at which offset.
Result<ServerMessage> decode(Bytes payload, const Mac& mac);

}  // namespace talos::dhcp
