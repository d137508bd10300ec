#include "process/stat.h"

#include <charconv>
#include <string>

namespace talos::process {

namespace {

Error malformed(size_t offset) { return Error{EBADMSG, "parse", {}, {}, "malformed at offset " + std::to_string(offset)}; }

// Fields between single spaces, from `at` on.
class Fields {
 public:
  Fields(std::string_view text, size_t at) : text_(text), at_(at) {}

  // The text of the next one; empty at the end.
  std::string_view next() {
    size_t end = text_.find_first_of(" \n", at_);
    if (end == std::string_view::npos) end = text_.size();
    std::string_view field = text_.substr(at_, end - at_);
    begin_ = at_;
    at_ = end < text_.size() ? end + 1 : end;
    return field;
  }

  void skip(int count) {
    while (count-- > 0) next();
  }

  // False: it is no number, or none that fits.
  template <typename T>
  bool number(T& value) {
    std::string_view field = next();
    const char* end = field.data() + field.size();
    auto [last, error] = std::from_chars(field.data(), end, value);
    return error == std::errc() && last == end && !field.empty();
  }

  // Where the field that was read last begins.
  [[nodiscard]] size_t begin() const { return begin_; }

 private:
  std::string_view text_;
  size_t at_;
  size_t begin_ = 0;
};

}  // namespace

Result<ProcessStat> parse_stat(std::string_view text) {
  ProcessStat stat;
  const size_t open = text.find('(');
  // The last one: the name may have parentheses of its own, and behind it there are only numbers and a letter.
  const size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open || text.substr(close + 1, 1) != " ") {
    return malformed(0);
  }
  Fields before(text.substr(0, open), 0);
  if (!before.number(stat.pid)) return malformed(0);
  stat.command = text.substr(open + 1, close - open - 1);
  Fields fields(text, close + 2);
  std::string_view state = fields.next();
  if (state.size() != 1) return malformed(close + 2);
  stat.state = state[0];
  int64_t resident = 0;  // the kernel's own type is signed
  bool is_good = fields.number(stat.parent_pid);
  auto read = [&](int skipped, auto& value) {
    if (!is_good) return;
    fields.skip(skipped);
    is_good = fields.number(value);
  };
  // Field numbers of the manual page: 9, 14, 15, 20, 22, 23, 24.
  read(4, stat.flags);
  read(4, stat.user_ticks);
  read(0, stat.system_ticks);
  read(4, stat.threads);
  read(1, stat.start_ticks);
  read(0, stat.virtual_bytes);
  read(0, resident);
  if (!is_good) return malformed(fields.begin());
  stat.resident_pages = resident > 0 ? static_cast<uint64_t>(resident) : 0;
  return stat;
}

}  // namespace talos::process
