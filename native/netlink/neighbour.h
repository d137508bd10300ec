// Who has which hardware address: RTM_*NEIGH of IPv4 and IPv6. Pure. Source: rtnetlink(7), ip-neighbour(8), linux/neighbour.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "netlink/batch.h"
#include "netlink/message.h"

namespace talos::netlink {

struct Neighbour {
  uint8_t family = 0;
  uint32_t index = 0;
  uint16_t state = 0;    // NUD_*
  uint8_t flags = 0;     // NTF_*
  uint8_t protocol = 0;  // RTPROT_*
  IpAddress address{};
  std::vector<uint8_t> mac{};
};

// RTM_NEWNEIGH or RTM_DELNEIGH of IPv4 or IPv6. EBADMSG when it is malformed or lacks the address.
Result<Neighbour> parse_neighbour(const MessageView& message);
void write(Batch& batch, const Neighbour& neighbour);

struct NeighbourSpec {
  uint32_t index = 0;
  std::string address{};
  std::string mac{};
  uint16_t state = 0;
  uint8_t flags = 0;
};

// `type` is RTM_NEWNEIGH or RTM_DELNEIGH, `flags` NLM_F_CREATE with NLM_F_EXCL or NLM_F_REPLACE for the former.
// EINVAL with a sentence for text that is no address.
Result<MessageBuilder> build_neighbour(uint16_t type, uint16_t flags, const NeighbourSpec& spec);

}  // namespace talos::netlink
