// Addresses of interfaces: RTM_*ADDR. Pure. Source: rtnetlink(7), linux/if_addr.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "netlink/batch.h"
#include "netlink/message.h"

namespace talos::netlink {

struct InterfaceAddress {
  uint8_t family = 0;
  uint32_t index = 0;
  uint32_t flags = 0;    // IFA_F_*
  uint8_t scope = 0;     // RT_SCOPE_*
  uint8_t protocol = 0;  // IFAPROT_*
  IpPrefix local{};
  std::optional<IpAddress> peer{};
  std::optional<IpAddress> broadcast{};
  std::string label{};
  // Seconds; none: for ever.
  std::optional<uint32_t> valid_lifetime_sec{};
  std::optional<uint32_t> preferred_lifetime_sec{};
};

// RTM_NEWADDR or RTM_DELADDR. EBADMSG when it is malformed or lacks the address.
Result<InterfaceAddress> parse_interface_address(const MessageView& message);
void write(Batch& batch, const InterfaceAddress& address);

struct InterfaceAddressSpec {
  uint32_t index = 0;
  // CIDR notation; the length is that of the peer's network if there is a peer.
  std::string address{};
  std::string peer{};
  // Empty: derived from the prefix.
  std::string broadcast{};
  std::string label{};
  std::optional<uint8_t> scope{};
  uint32_t flags = 0;
  std::optional<uint8_t> protocol{};
  std::optional<uint32_t> valid_lifetime_sec{};
  std::optional<uint32_t> preferred_lifetime_sec{};
};

// `type` is RTM_NEWADDR or RTM_DELADDR, `flags` NLM_F_CREATE with NLM_F_EXCL or NLM_F_REPLACE for the former.
// EINVAL with a sentence for text that is no address.
Result<MessageBuilder> build_interface_address(uint16_t type, uint16_t flags, const InterfaceAddressSpec& spec);

}  // namespace talos::netlink
