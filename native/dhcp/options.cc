#include "dhcp/options.h"

#include "dhcp/wire.h"

namespace talos::dhcp {
namespace wire {

Error malformed(std::string what) { return Error{EBADMSG, "dhcp", {}, {}, std::move(what)}; }

Error malformed(std::string what, size_t offset) { return malformed(std::move(what) + " at offset " + std::to_string(offset)); }

}  // namespace wire

namespace {

using namespace wire;

enum Overload : uint8_t { kOverloadFile = 1, kOverloadServerName = 2, kOverloadBoth = 3 };

std::string option_name(uint8_t code) { return "option " + std::to_string(code); }

}  // namespace

Result<Options> Options::collect(Bytes message) {
  Options options;
  if (auto scanned = options.scan(message, kOptions, message.size(), false); !scanned) return scanned.error();
  const OptionValue* overload = options.find(kOverload);
  if (overload == nullptr) return options;
  if (overload->bytes.size() != 1 || overload->bytes[0] < kOverloadFile || overload->bytes[0] > kOverloadBoth) {
    return malformed("an overload option that is none of 1, 2, 3", overload->offset);
  }
  // RFC 3396, section 5: the pieces are put together in this order of fields.
  const uint8_t which = overload->bytes[0];
  if ((which & kOverloadFile) != 0) {
    if (auto scanned = options.scan(message, kFile, kMagic, true); !scanned) return scanned.error();
  }
  if ((which & kOverloadServerName) != 0) {
    if (auto scanned = options.scan(message, kServerName, kFile, true); !scanned) return scanned.error();
  }
  return options;
}

Result<void> Options::scan(Bytes message, size_t start, size_t end, bool is_overloaded) {
  for (size_t position = start; position < end;) {
    const uint8_t code = message[position];
    if (code == kEnd) return {};
    if (code == kPad) {
      position++;
      continue;
    }
    if (position + 1 >= end) return malformed(option_name(code) + " without a length", position);
    const size_t length = message[position + 1];
    if (length > end - position - 2) return malformed(option_name(code) + " goes beyond its field", position);
    // An overloaded field cannot say anew which fields are overloaded.
    if (!(is_overloaded && code == kOverload)) {
      auto [found, is_new] = values_.try_emplace(code);
      if (is_new) found->second.offset = position;
      Bytes piece = message.subspan(position + 2, length);
      found->second.bytes.insert(found->second.bytes.end(), piece.begin(), piece.end());
    }
    position += 2 + length;
  }
  return {};
}

const OptionValue* Options::find(uint8_t code) const {
  auto found = values_.find(code);
  return found == values_.end() ? nullptr : &found->second;
}

}  // namespace talos::dhcp
