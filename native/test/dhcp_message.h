// Messages of a server as bytes, for tests of the codec and of the headers around it.
#pragma once

#include <algorithm>
#include <vector>

#include "dhcp/message.h"

namespace talos::test {

using dhcp::Ipv4;
using dhcp::Mac;
using Blob = std::vector<uint8_t>;

inline constexpr Mac kMac = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
inline constexpr Ipv4 kAddress = 0x0a00020f;  // 10.0.2.15
inline constexpr Ipv4 kServer = 0x0a000202;   // 10.0.2.2

inline void append(Blob& out, const Blob& more) { out.insert(out.end(), more.begin(), more.end()); }

inline void put(Blob& out, size_t offset, const Blob& bytes) {
  std::copy(bytes.begin(), bytes.end(), out.begin() + static_cast<ptrdiff_t>(offset));
}

// The 240 bytes in front of the options of a reply.
inline Blob reply_head() {
  Blob head(240, 0);
  head[0] = 2;
  head[1] = 1;
  head[2] = 6;
  put(head, 4, {0x12, 0x34, 0x56, 0x78});
  put(head, 16, {10, 0, 2, 15});
  std::copy(kMac.begin(), kMac.end(), head.begin() + 28);
  put(head, 236, {0x63, 0x82, 0x53, 0x63});
  return head;
}

// What every acknowledgement has: type, server, a lease of an hour.
inline const Blob kBasics = {53, 1, 5, 54, 4, 10, 0, 2, 2, 51, 4, 0, 0, 0x0e, 0x10};

inline Blob reply(const Blob& options, const Blob& basics = kBasics) {
  Blob message = reply_head();
  append(message, basics);
  append(message, options);
  message.push_back(255);
  return message;
}

}  // namespace talos::test
