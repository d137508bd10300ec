// Rules that choose the routing table: RTM_*RULE. Pure. Source: ip-rule(8), linux/fib_rules.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "netlink/batch.h"
#include "netlink/message.h"

namespace talos::netlink {

struct Rule {
  uint8_t family = 0;
  uint8_t action = 0;  // FR_ACT_*
  uint8_t tos = 0;
  uint8_t protocol = 0;  // RTPROT_*
  uint32_t flags = 0;    // FIB_RULE_*
  uint32_t priority = 0;
  uint32_t table = 0;
  std::optional<IpPrefix> from{};
  std::optional<IpPrefix> to{};
  std::optional<uint32_t> fwmark{};
  std::optional<uint32_t> fwmask{};
  std::optional<uint32_t> goto_priority{};
  std::optional<uint32_t> suppress_prefix_length{};
  std::optional<uint8_t> ip_protocol{};
  // First and last of a range: users, ports.
  std::optional<std::array<uint32_t, 2>> uids{};
  std::optional<std::array<uint16_t, 2>> source_ports{};
  std::optional<std::array<uint16_t, 2>> destination_ports{};
  std::string input_interface{};
  std::string output_interface{};
};

// RTM_NEWRULE or RTM_DELRULE of IPv4 or IPv6. EBADMSG when it is malformed.
Result<Rule> parse_rule(const MessageView& message);
void write(Batch& batch, const Rule& rule);

struct RuleSpec {
  bool is_ipv6 = false;
  // CIDR notation; empty: all.
  std::string from{};
  std::string to{};
  std::string input_interface{};
  std::string output_interface{};
  std::optional<uint8_t> action{};
  std::optional<uint8_t> protocol{};
  std::optional<uint32_t> priority{};
  std::optional<uint32_t> table{};
  std::optional<uint32_t> fwmark{};
  std::optional<uint32_t> fwmask{};
  std::optional<uint32_t> goto_priority{};
  std::optional<uint32_t> suppress_prefix_length{};
  uint8_t tos = 0;
  bool is_inverted = false;
};

// `type` is RTM_NEWRULE or RTM_DELRULE. What a removal does not name matches anything. EINVAL with a sentence for text that is no
// prefix of the rule's family.
Result<MessageBuilder> build_rule(uint16_t type, const RuleSpec& spec);

}  // namespace talos::netlink
