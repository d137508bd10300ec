// The wire format of netlink: building requests, and taking answers apart without believing any length in them. Pure.
// Source: Documentation/userspace-api/netlink/intro.rst of the kernel.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
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
  MessageBuilder& attribute_u8(uint16_t type, uint8_t value) { return attribute(type, Bytes(&value, 1)); }
  MessageBuilder& attribute_u16(uint16_t type, uint16_t value);
  // With its NUL.
  MessageBuilder& attribute(uint16_t type, std::string_view text);

  // Attributes that are added between the two lie inside one of `type`. `begin_nest` gives what `end_nest` needs. A struct that
  // begins with its own 16-bit length (a next hop) can stand for an attribute: raw(), then end_nest() with the size before it.
  size_t begin_nest(uint16_t type);
  // A struct in front of the attributes of a nest.
  template <typename Struct>
  MessageBuilder& raw(const Struct& data) {
    static_assert(std::is_trivially_copyable_v<Struct>);
    append(&data, sizeof data);
    return *this;
  }
  MessageBuilder& end_nest(size_t start);

  // Puts length and sequence number in place. The bytes live as long as the builder. Nothing when an attribute was longer
  // than its 16-bit length can say.
  Bytes finish(uint32_t sequence);
  [[nodiscard]] uint16_t type() const { return type_; }
  [[nodiscard]] size_t size() const { return bytes_.size(); }

 private:
  MessageBuilder(uint16_t type, uint16_t flags);
  void append(const void* data, size_t size);

  uint16_t type_;
  bool is_too_long_ = false;
  std::vector<uint8_t> bytes_;
};

struct MessageView {
  uint16_t type = 0;
  uint16_t flags = 0;
  uint32_t sequence = 0;
  Bytes payload{};
};

// Refuses (EBADMSG) what is not completely a sequence of well-formed messages; the error names the offset in the datagram.
Result<std::vector<MessageView>> split_messages(Bytes datagram);

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

}  // namespace talos::netlink
