#include "cgroup/control_text.h"

#include <algorithm>

namespace talos::cgroup {
namespace {

// Walks over a text once, from its start to its end.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  [[nodiscard]] bool at_end() const { return position_ == text_.size(); }
  [[nodiscard]] size_t position() const { return position_; }

  bool take(char wanted) {
    if (at_end() || text_[position_] != wanted) return false;
    position_++;
    return true;
  }

  // A newline, or the end of the text: a last line needs none.
  bool take_line_end() { return at_end() || take('\n'); }

  // Up to one of the characters, or the end of the text.
  template <char... kEnds>
  std::string_view take_until() {
    size_t start = position_;
    while (!at_end() && ((text_[position_] != kEnds) && ...)) position_++;
    return text_.substr(start, position_ - start);
  }

  bool take_number(double& value) {
    size_t length;
    value = static_cast<double>(cgroup::take_number(text_.substr(position_), length));
    position_ += length;
    return length > 0;
  }

  // `12.34`: the kernel always writes two decimals.
  bool take_decimal(double& value) {
    double hundredths;
    if (!take_number(value) || !take('.')) return false;
    size_t start = position_;
    if (!take_number(hundredths) || position_ - start != 2) return false;
    value += hundredths / 100;
    return true;
  }

 private:
  std::string_view text_;
  size_t position_ = 0;
};

// Which of `keys` it is. The kernel's order is ours, so the one behind the last that was found is tried first.
class KeyFinder {
 public:
  explicit KeyFinder(std::span<const std::string_view> keys) : keys_(keys) {}

  // keys.size() when it is none of them.
  size_t find(std::string_view key) {
    for (size_t tried = 0; tried < keys_.size(); tried++) {
      size_t index = next_ + tried < keys_.size() ? next_ + tried : next_ + tried - keys_.size();
      if (keys_[index] != key) continue;
      next_ = index + 1 == keys_.size() ? 0 : index + 1;
      return index;
    }
    return keys_.size();
  }

 private:
  std::span<const std::string_view> keys_;
  size_t next_ = 0;
};

}  // namespace

uint64_t take_number(std::string_view text, size_t& length) {
  uint64_t value = 0;
  size_t digits = 0;
  for (; digits < text.size(); digits++) {
    unsigned digit = static_cast<unsigned char>(text[digits]) - unsigned{'0'};
    if (digit > 9) break;
    // 19 digits always fit.
    if (digits >= 19 && value > (UINT64_MAX - digit) / 10) {
      length = 0;
      return 0;
    }
    value = value * 10 + digit;
  }
  length = digits;
  return value;
}

Malformed parse_single(std::string_view text, double* value) {
  Cursor cursor(text);
  if (!cursor.take_number(*value) || !cursor.take_line_end() || !cursor.at_end()) return cursor.position();
  return std::nullopt;
}

Malformed parse_flat(std::string_view text, std::span<const std::string_view> keys, double* values) {
  std::fill_n(values, keys.size(), 0.0);
  KeyFinder finder(keys);
  Cursor cursor(text);
  while (!cursor.at_end()) {
    size_t index = finder.find(cursor.take_until<' ', '\n'>());
    double value;
    if (!cursor.take(' ') || !cursor.take_number(value) || !cursor.take_line_end()) return cursor.position();
    if (index < keys.size()) values[index] = value;
  }
  return std::nullopt;
}

Malformed parse_nested_sum(std::string_view text, std::span<const std::string_view> keys, double* values) {
  std::fill_n(values, keys.size(), 0.0);
  KeyFinder finder(keys);
  Cursor cursor(text);
  while (!cursor.at_end()) {
    if (cursor.take(' ') || cursor.take('\n')) continue;
    size_t start = cursor.position();
    std::string_view word = cursor.take_until<' ', '=', '\n'>();
    if (!cursor.take('=')) {
      // A device. Some kernels write several on a line when the first of them has nothing to tell.
      if (word.find(':') == std::string_view::npos) return start;
      continue;
    }
    size_t index = finder.find(word);
    double value;
    if (index == keys.size()) {
      // Other keys need not be whole numbers (those of the cost model are not).
      cursor.take_until<' ', '\n'>();
    } else if (cursor.take_number(value) && (cursor.at_end() || cursor.take(' ') || cursor.take('\n'))) {
      values[index] += value;
    } else {
      return cursor.position();
    }
  }
  return std::nullopt;
}

Malformed parse_pressure(std::string_view text, double* values) {
  static constexpr std::string_view kAverages[] = {"avg10", "avg60", "avg300"};
  std::fill_n(values, kPressureValues, 0.0);
  Cursor cursor(text);
  while (!cursor.at_end()) {
    size_t start = cursor.position();
    std::string_view kind = cursor.take_until<' ', '\n'>();
    if (kind != "some" && kind != "full") return start;
    double* out = values + (kind == "full" ? kPressureValues / 2 : 0);
    for (std::string_view average : kAverages) {
      if (!cursor.take(' ') || cursor.take_until<' ', '=', '\n'>() != average || !cursor.take('=') ||
          !cursor.take_decimal(*out++)) {
        return cursor.position();
      }
    }
    if (!cursor.take(' ') || cursor.take_until<' ', '=', '\n'>() != "total" || !cursor.take('=') || !cursor.take_number(*out) ||
        !cursor.take_line_end()) {
      return cursor.position();
    }
  }
  return std::nullopt;
}

}  // namespace talos::cgroup
