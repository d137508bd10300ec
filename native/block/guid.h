// GUIDs and names as GPT stores them (UEFI specification, appendix A and section 5.3.3).
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "block/bytes.h"

namespace talos::block {

struct Guid {
  // As on the disk: the first three fields little-endian.
  std::array<uint8_t, 16> bytes{};
  bool operator==(const Guid&) const = default;
  [[nodiscard]] bool is_zero() const { return block::is_zero(bytes); }
};

// Lower-case text with hyphens, both ways; parsing takes upper case as well.
std::string guid_text(const Guid& guid);
std::optional<Guid> parse_guid(std::string_view text);

constexpr size_t kGptNameBytes = 72;

// UTF-16LE up to the first NUL as UTF-8; half a surrogate pair becomes U+FFFD.
std::string decode_utf16(Bytes bytes);
// Nothing when the text is no UTF-8, holds a NUL, or needs more than 36 units.
std::optional<std::array<uint8_t, kGptNameBytes>> encode_gpt_name(std::string_view text);

}  // namespace talos::block
