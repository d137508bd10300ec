// Network interfaces: RTM_*LINK. Pure. Source: rtnetlink(7), linux/if_link.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "netlink/batch.h"
#include "netlink/message.h"

namespace talos::netlink {

struct Link {
  int index = 0;
  // AF_UNSPEC; of another family is what a bridge or IPv6 tells about the link, in messages of the same type.
  uint8_t family = 0;
  uint16_t type = 0;   // ARPHRD_*
  uint32_t flags = 0;  // IFF_*
  std::string name{};
  std::vector<uint8_t> mac{};
  std::vector<uint8_t> broadcast{};
  uint32_t mtu = 0;
  uint32_t transmit_queue_length = 0;
  uint8_t oper_state = 0;  // IF_OPER_*
  bool has_carrier = false;
  std::optional<uint32_t> master{};
  // The link below a VLAN, the other end of a veth pair.
  std::optional<uint32_t> parent{};
  // "veth"; empty for hardware.
  std::string kind{};
  std::optional<uint16_t> vlan_id{};
  std::string alias{};
  std::vector<std::string> alternative_names{};
  // A message of the wireless extensions: an event that tells nothing about the link itself.
  bool is_wireless_event = false;
};

// RTM_NEWLINK or RTM_DELLINK. EBADMSG when it is malformed or lacks index or name.
Result<Link> parse_link(const MessageView& message);
void write(Batch& batch, const Link& link);

// What `link set` changes: only what has a value.
struct LinkChange {
  std::optional<bool> is_up{};
  std::optional<uint32_t> mtu{};
  std::optional<uint32_t> transmit_queue_length{};
  // 0 takes it out of its bridge or bond.
  std::optional<uint32_t> master{};
  std::string name{};
  std::string mac{};
  std::optional<std::string> alias{};
};

struct NewLink {
  std::string kind{};
  LinkChange settings{};
  // vlan: the link below.
  std::optional<uint32_t> parent{};
  // vlan: 0 to 4095, and the EtherType (0x8100, 0x88a8).
  std::optional<uint16_t> vlan_id{};
  std::optional<uint16_t> vlan_protocol{};
  // veth: name and settings of the other end.
  std::optional<LinkChange> peer{};
  // bond: BOND_MODE_*, and how often the carrier is looked at.
  std::optional<uint8_t> bond_mode{};
  std::optional<uint32_t> bond_miimon_ms{};
  // bridge.
  std::optional<bool> vlan_filtering{};
  std::optional<bool> spanning_tree{};
};

// Each gives EINVAL with a sentence for text that is no address.
Result<MessageBuilder> build_new_link(const NewLink& link);
Result<MessageBuilder> build_link_change(uint32_t index, const LinkChange& change);
MessageBuilder build_link_removal(uint32_t index);
// By name, or by index if that is not 0.
MessageBuilder build_link_query(uint32_t index, const std::string& name);

}  // namespace talos::netlink
