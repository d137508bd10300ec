// The two CRC-32s of disk formats: IEEE 802.3 as zlib computes it (GPT), and Castagnoli (ext4, xfs, erofs, btrfs).
// A byte at a time through a table made by the compiler: what is summed is a few KiB.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace talos {
namespace crc_detail {

constexpr std::array<uint32_t, 256> make_table(uint32_t reflected_polynomial) {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) != 0 ? reflected_polynomial : 0);
    table[byte] = crc;
  }
  return table;
}

inline constexpr auto kIeee = make_table(0xedb88320);
inline constexpr auto kCastagnoli = make_table(0x82f63b78);

constexpr uint32_t update(const std::array<uint32_t, 256>& table, uint32_t crc, std::span<const uint8_t> bytes) {
  for (uint8_t byte : bytes) crc = (crc >> 8) ^ table[(crc ^ byte) & 0xff];
  return crc;
}

}  // namespace crc_detail

// zlib's crc32: of "123456789" it is 0xcbf43926.
constexpr uint32_t crc32(std::span<const uint8_t> bytes) { return ~crc_detail::update(crc_detail::kIeee, ~0U, bytes); }

// The shift register itself, neither inverted before nor after, so that it can go on over the next bytes: ext4 and erofs
// start it at ~0 and store it as it is; iSCSI's crc32c (xfs) is `~crc32c_raw(~0U, bytes)`.
constexpr uint32_t crc32c_raw(uint32_t crc, std::span<const uint8_t> bytes) {
  return crc_detail::update(crc_detail::kCastagnoli, crc, bytes);
}

}  // namespace talos
