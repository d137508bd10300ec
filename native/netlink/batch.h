// Any number of records in two blocks, which cross to JavaScript as one typed array and one buffer: numbers one behind the other,
// and text, whose lengths are among the numbers. lib/native/netlink/records.ts reads it in the order it was written in; absent
// numbers are NaN and absent text is empty. Pure.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "netlink/address.h"

namespace talos::netlink {

class Batch {
 public:
  void number(double value) { numbers_.push_back(value); }

  template <typename Number>
  void number(const std::optional<Number>& value) {
    number(value ? static_cast<double>(*value) : std::numeric_limits<double>::quiet_NaN());
  }

  void text(std::string_view value) {
    text_ += value;
    end_text();
  }
  void address(const std::optional<IpAddress>& value) {
    if (value) append_address(text_, *value);
    end_text();
  }
  void prefix(const std::optional<IpPrefix>& value) {
    if (value) append_prefix(text_, *value);
    end_text();
  }
  void mac(std::span<const uint8_t> bytes) {
    append_mac(text_, bytes);
    end_text();
  }

  // Everything of the other one, behind what is here. Into an empty batch nothing is copied.
  void append(Batch&& other);
  void clear();

  [[nodiscard]] bool is_empty() const { return numbers_.empty(); }
  [[nodiscard]] size_t size_bytes() const { return numbers_.size() * sizeof(double) + text_.size(); }
  [[nodiscard]] const std::vector<double>& numbers() const { return numbers_; }
  [[nodiscard]] const std::string& texts() const { return text_; }

 private:
  // A text is told by its length: so batches can be put one behind the other.
  void end_text() {
    number(static_cast<double>(text_.size() - text_start_));
    text_start_ = text_.size();
  }

  std::vector<double> numbers_;
  std::string text_;
  size_t text_start_ = 0;
};

}  // namespace talos::netlink
