#include "block/guid.h"

#include <algorithm>

namespace talos::block {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// The text has the first three fields big-endian, the disk little-endian.
void swap_fields(std::array<uint8_t, 16>& bytes) {
  std::reverse(bytes.begin(), bytes.begin() + 4);
  std::reverse(bytes.begin() + 4, bytes.begin() + 6);
  std::reverse(bytes.begin() + 6, bytes.begin() + 8);
}

void append_utf8(std::string& text, uint32_t point) {
  auto put = [&](uint32_t byte) { text += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | point >> 6);
    put(0x80 | (point & 0x3f));
  } else {
    if (point < 0x10000) {
      put(0xe0 | point >> 12);
    } else {
      put(0xf0 | point >> 18);
      put(0x80 | (point >> 12 & 0x3f));
    }
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  }
}

// Takes one character off the front; false for anything that is not the shortest form of a Unicode scalar value.
bool take_utf8(std::string_view& text, uint32_t& point) {
  auto byte = [&](size_t at) { return static_cast<uint8_t>(text[at]); };
  size_t length = byte(0) < 0x80 ? 1 : byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if ((byte(0) >= 0x80 && byte(0) < 0xc2) || byte(0) > 0xf4 || text.size() < length) return false;
  point = length == 1 ? byte(0) : byte(0) & (0x7f >> length);
  for (size_t at = 1; at < length; at++) {
    if ((byte(at) & 0xc0) != 0x80) return false;
    point = point << 6 | (byte(at) & 0x3f);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  text.remove_prefix(length);
  return point >= kLeast[length] && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
}

}  // namespace

std::string guid_text(const Guid& guid) {
  std::array<uint8_t, 16> bytes = guid.bytes;
  swap_fields(bytes);
  return uuid_text(bytes);
}

std::optional<Guid> parse_guid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Guid guid;
  size_t used = 0;
  for (size_t at = 0; at < text.size();) {
    if (at == 8 || at == 13 || at == 18 || at == 23) {
      if (text[at++] != '-') return std::nullopt;
      continue;
    }
    int high = hex_digit(text[at]), low = hex_digit(text[at + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    guid.bytes[used++] = static_cast<uint8_t>(high << 4 | low);
    at += 2;
  }
  swap_fields(guid.bytes);
  return guid;
}

std::string decode_utf16(Bytes bytes) {
  constexpr uint32_t kReplacement = 0xfffd;
  std::string text;
  for (size_t at = 0; at + 1 < bytes.size(); at += 2) {
    uint32_t unit = le16(bytes, at);
    if (unit == 0) break;
    bool is_high = unit >= 0xd800 && unit <= 0xdbff;
    uint32_t next = is_high && at + 3 < bytes.size() ? le16(bytes, at + 2) : 0;
    if (is_high && next >= 0xdc00 && next <= 0xdfff) {
      append_utf8(text, 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00));
      at += 2;
    } else {
      append_utf8(text, unit >= 0xd800 && unit <= 0xdfff ? kReplacement : unit);
    }
  }
  return text;
}

std::optional<std::array<uint8_t, kGptNameBytes>> encode_gpt_name(std::string_view text) {
  std::array<uint8_t, kGptNameBytes> name{};
  size_t used = 0;
  while (!text.empty()) {
    uint32_t point = 0;
    if (!take_utf8(text, point) || point == 0) return std::nullopt;
    size_t width = point < 0x10000 ? 2 : 4;
    if (used + width > name.size()) return std::nullopt;
    if (width == 2) {
      put_le(name, used, point, 2);
    } else {
      put_le(name, used, 0xd800 + ((point - 0x10000) >> 10), 2);
      put_le(name, used + 2, 0xdc00 + ((point - 0x10000) & 0x3ff), 2);
    }
    used += width;
  }
  return name;
}

}  // namespace talos::block
