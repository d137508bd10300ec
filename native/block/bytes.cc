#include "block/bytes.h"

namespace talos::block {

std::string uuid_text(Bytes bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (size_t i = 0; i < 16; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

std::string fixed_text(Bytes bytes, bool padded) {
  std::string text;
  for (uint8_t byte : bytes) {
    if (byte == 0) break;
    text += static_cast<char>(byte);
  }
  while (padded && !text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

}  // namespace talos::block
