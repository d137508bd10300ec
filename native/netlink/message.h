// The wire format of netlink: building requests, and taking answers apart without believing any length in them. Pure.
// Source: Documentation/userspace-api/netlink/intro.rst of the kernel.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace talos::netlink {

using Bytes = std::span<const uint8_t>;

// One request: header, the fixed struct of its family, attributes.
class MessageBuilder {
 public:
  template <typename Family>
  MessageBuilder(uint16_t type, uint16_t flags, const Family& family) : MessageBuilder(type, flags) {
    static_assert(std::is_trivially_copyable_v<Family>);
    append(&family, sizeof family);
  }

  MessageBuilder& attribute(uint16_t type, Bytes payload);
  MessageBuilder& attribute(uint16_t type, uint32_t value);

  // Puts length and sequence number in place. The bytes live as long as the builder.
  Bytes finish(uint32_t sequence);
  [[nodiscard]] uint16_t type() const { return type_; }

 private:
  MessageBuilder(uint16_t type, uint16_t flags);
  void append(const void* data, size_t size);

  uint16_t type_;
  std::vector<uint8_t> bytes_;
};

struct MessageView {
  uint16_t type = 0;
  uint16_t flags = 0;
  uint32_t sequence = 0;
  Bytes payload{};
};

struct AttributeView {
  // Without the flags NLA_F_NESTED and NLA_F_NET_BYTEORDER.
  uint16_t type = 0;
  Bytes payload{};
};

// Both refuse (EBADMSG) what is not completely a sequence of well-formed messages or attributes.
Result<std::vector<MessageView>> split_messages(Bytes datagram);
Result<std::vector<AttributeView>> split_attributes(Bytes payload);

// The fixed struct at the front of a payload, and the attributes behind it (aligned).
template <typename Family>
bool read_family(Bytes payload, Family& family, Bytes& attributes) {
  static_assert(std::is_trivially_copyable_v<Family>);
  constexpr size_t kAligned = (sizeof(Family) + 3) & ~size_t{3};
  if (payload.size() < sizeof family) return false;
  std::memcpy(&family, payload.data(), sizeof family);
  attributes = payload.size() > kAligned ? payload.subspan(kAligned) : Bytes{};
  return true;
}

std::optional<uint32_t> attribute_u32(const AttributeView& attribute);

// A string that ends at its NUL, which the kernel always puts there; nothing if it is missing.
std::optional<std::string> attribute_string(const AttributeView& attribute);

struct Acknowledgement {
  // 0 or a positive errno.
  int errno_value = 0;
  // The kernel's own sentence (extended ack), and the offset of the attribute it complains about; mostly empty.
  std::string text;
};

// NLMSG_ERROR, and NLMSG_DONE with the status of a dump.
Result<Acknowledgement> parse_acknowledgement(const MessageView& message);

}  // namespace talos::netlink
