// Numbers and identifiers inside byte spans. The caller has checked that the span holds them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace talos::block {

using Bytes = std::span<const uint8_t>;

inline uint16_t le16(Bytes bytes, size_t at) { return static_cast<uint16_t>(bytes[at] | bytes[at + 1] << 8); }
inline uint32_t le32(Bytes bytes, size_t at) { return le16(bytes, at) | static_cast<uint32_t>(le16(bytes, at + 2)) << 16; }
inline uint64_t le64(Bytes bytes, size_t at) { return le32(bytes, at) | static_cast<uint64_t>(le32(bytes, at + 4)) << 32; }
inline uint16_t be16(Bytes bytes, size_t at) { return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]); }
inline uint32_t be32(Bytes bytes, size_t at) { return static_cast<uint32_t>(be16(bytes, at)) << 16 | be16(bytes, at + 2); }
inline uint64_t be64(Bytes bytes, size_t at) { return static_cast<uint64_t>(be32(bytes, at)) << 32 | be32(bytes, at + 4); }

inline void put_le(std::span<uint8_t> bytes, size_t at, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; i++) bytes[at + i] = static_cast<uint8_t>(value >> (8 * i));
}

inline bool is_power_of_two(uint64_t value) { return value != 0 && (value & (value - 1)) == 0; }

inline bool is_zero(Bytes bytes) {
  for (uint8_t byte : bytes) {
    if (byte != 0) return false;
  }
  return true;
}

// 16 bytes in the order of RFC 9562, lower case with hyphens.
std::string uuid_text(Bytes bytes);

// A text of fixed width that ends at the first NUL; bytes as they are, trailing blanks removed when `padded`.
std::string fixed_text(Bytes bytes, bool padded = false);

}  // namespace talos::block
