// Reading attributes strictly: an impossible length or a value of the wrong size is an error that names the attribute and its
// offset, never a guess. Attributes that a reader does not know are passed over: newer kernels have more of them. Pure.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/result.h"
#include "netlink/message.h"

namespace talos::netlink {

struct AttributeView {
  // Without the flags NLA_F_NESTED and NLA_F_NET_BYTEORDER.
  uint16_t type = 0;
  Bytes payload{};
  // Of its header, from the start of the message (header included): as the kernel counts in extended acknowledgements.
  size_t offset = 0;
};

class AttributeReader {
 public:
  // `offset`: of the first of the attributes in its message.
  AttributeReader(Bytes attributes, size_t offset) : rest_(attributes), offset_(offset) {}
  // Those inside of one.
  explicit AttributeReader(const AttributeView& nest);

  // False at the end, and at the first fault.
  bool next(AttributeView& attribute);

  // The value of an attribute. With a payload of another size: a value of zeros, and a fault.
  template <typename Value>
  Value value(const AttributeView& attribute) {
    static_assert(std::is_trivially_copyable_v<Value>);
    Value read{};
    if (attribute.payload.size() == sizeof read) {
      std::memcpy(&read, attribute.payload.data(), sizeof read);
    } else {
      fault("impossible size of attribute", attribute);
    }
    return read;
  }
  uint8_t u8(const AttributeView& attribute) { return value<uint8_t>(attribute); }
  uint16_t u16(const AttributeView& attribute) { return value<uint16_t>(attribute); }
  uint32_t u32(const AttributeView& attribute) { return value<uint32_t>(attribute); }

  // A struct that newer kernels may have made longer.
  template <typename Struct>
  Struct leading(const AttributeView& attribute) {
    static_assert(std::is_trivially_copyable_v<Struct>);
    Struct read{};
    if (attribute.payload.size() >= sizeof read) {
      std::memcpy(&read, attribute.payload.data(), sizeof read);
    } else {
      fault("attribute cut off", attribute);
    }
    return read;
  }

  // Up to its NUL, which has to be there. It lives as long as the message.
  std::string_view text(const AttributeView& attribute);

  // Takes over the fault of a reader of a nest.
  void include(const AttributeReader& nest);
  // `what` the caller finds wrong with it. The first fault stays.
  void fault(const char* what, const AttributeView& attribute);

  // EBADMSG with the first fault, if there was one. `message`: what is being read, for the text.
  [[nodiscard]] Result<void> finish(const char* message) const;

 private:
  Bytes rest_;
  size_t offset_;
  const char* fault_ = nullptr;
  uint16_t fault_type_ = 0;
  size_t fault_offset_ = 0;
};

}  // namespace talos::netlink
