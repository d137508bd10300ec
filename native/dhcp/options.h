// The options of a message, put together again: they may stand in three places (option 52), and one may come in pieces (RFC
// 3396). Pure.
#pragma once

#include <map>

#include "dhcp/message.h"

namespace talos::dhcp {

struct OptionValue {
  std::vector<uint8_t> bytes;
  // Of its first piece in the message, for errors.
  size_t offset = 0;
};

class Options {
 public:
  // A message of at least kOptions bytes. EBADMSG when an option goes beyond the field that it stands in, or the overload option
  // is none of its values. A field that ends without the end option is taken as it is: servers do that, and nothing is lost by
  // it.
  static Result<Options> collect(Bytes message);

  // nullptr when it is not there.
  [[nodiscard]] const OptionValue* find(uint8_t code) const;

 private:
  Result<void> scan(Bytes message, size_t start, size_t end, bool is_overloaded);

  std::map<uint8_t, OptionValue> values_;
};

}  // namespace talos::dhcp
