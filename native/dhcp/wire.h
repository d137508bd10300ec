// Numbers of the wire format that several files of this folder need (RFC 2131, RFC 2132). Internal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dhcp/message.h"

namespace talos::dhcp::wire {

constexpr uint8_t kBootRequest = 1;
constexpr uint8_t kBootReply = 2;
constexpr uint8_t kEthernet = 1;
constexpr uint32_t kCookie = 0x63825363;

constexpr uint16_t kServerPort = 67;
constexpr uint16_t kClientPort = 68;

// Offsets of the BOOTP part.
constexpr size_t kOp = 0;
constexpr size_t kHardwareType = 1;
constexpr size_t kHardwareLength = 2;
constexpr size_t kXid = 4;
constexpr size_t kSeconds = 8;
constexpr size_t kClientAddress = 12;
constexpr size_t kYourAddress = 16;
constexpr size_t kHardwareAddress = 28;
constexpr size_t kServerName = 44;
constexpr size_t kFile = 108;
constexpr size_t kMagic = 236;
constexpr size_t kOptions = 240;
// The least that a BOOTP message has.
constexpr size_t kMinimumBytes = 300;

enum Option : uint8_t {
  kPad = 0,
  kSubnetMask = 1,
  kRouters = 3,
  kDnsServers = 6,
  kHostname = 12,
  kDomain = 15,
  kMtu = 26,
  kNtpServers = 42,
  kRequestedAddress = 50,
  kLeaseTime = 51,
  kOverload = 52,
  kMessageType = 53,
  kServerId = 54,
  kParameterList = 55,
  kText = 56,
  kMaxMessageBytes = 57,
  kRenewalTime = 58,
  kRebindingTime = 59,
  kClientId = 61,
  kSearchDomains = 119,
  kRoutes = 121,
  kEnd = 255,
};

inline uint16_t read_u16(Bytes bytes, size_t offset) { return static_cast<uint16_t>(bytes[offset] << 8 | bytes[offset + 1]); }

inline uint32_t read_u32(Bytes bytes, size_t offset) {
  return static_cast<uint32_t>(read_u16(bytes, offset)) << 16 | read_u16(bytes, offset + 2);
}

inline void write_u16(std::span<uint8_t> bytes, size_t offset, uint16_t value) {
  bytes[offset] = static_cast<uint8_t>(value >> 8);
  bytes[offset + 1] = static_cast<uint8_t>(value);
}

inline void write_u32(std::span<uint8_t> bytes, size_t offset, uint32_t value) {
  write_u16(bytes, offset, static_cast<uint16_t>(value >> 16));
  write_u16(bytes, offset + 2, static_cast<uint16_t>(value));
}

// EBADMSG about the message or datagram as a whole, or at an offset into it.
Error malformed(std::string what);
Error malformed(std::string what, size_t offset);

}  // namespace talos::dhcp::wire
