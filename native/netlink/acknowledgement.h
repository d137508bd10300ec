// What the kernel says about a request: its status, and the extended acknowledgement that explains it. Pure.
// Source: NLMSGERR_ATTR_* of linux/netlink.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "netlink/message.h"

namespace talos::netlink {

struct Acknowledgement {
  // 0 or a positive errno.
  int errno_value = 0;
  // The kernel's own sentence; mostly empty.
  std::string text{};
  // Where in the request the attribute begins that it complains about.
  std::optional<uint32_t> offset{};
  // Type of an attribute that the request should have had, and where the nest begins that it belongs into; without the latter,
  // at the top.
  std::optional<uint32_t> missing_type{};
  std::optional<uint32_t> missing_nest{};
};

// NLMSG_ERROR, and NLMSG_DONE with the status of a dump. EBADMSG when it is malformed.
Result<Acknowledgement> parse_acknowledgement(const MessageView& message);

// All of it in words, with the names of attributes where `request`, the bytes that were sent, tells them. Empty when the kernel
// gave no explanation.
std::string explain(const Acknowledgement& acknowledgement, Bytes request);

// "RTM_NEWROUTE"; "netlink" for a type that is not of rtnetlink.
const char* message_name(uint16_t type);

// "RTA_GATEWAY" for 5 in a route's message; "attribute 99" for one that we never send.
std::string attribute_name(uint16_t message_type, uint32_t attribute_type);

}  // namespace talos::netlink
