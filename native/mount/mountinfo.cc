#include "mount/mountinfo.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "sys/mount_calls.h"

namespace talos::mount {
namespace {

constexpr size_t kMaxDetailBytes = 200;

bool is_octal(char c) { return c >= '0' && c <= '7'; }

// Takes the text up to the next `separator` off the front. An empty field is a field: the source of a mount may be "".
std::string_view take_until(std::string_view& rest, char separator) {
  size_t end = rest.find(separator);
  std::string_view field = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return field;
}

bool parse_id(std::string_view field, int& value) {
  auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  return error == std::errc{} && end == field.data() + field.size() && value >= 0;
}

// Decodes into `out`, which may be where `text` lies: what is decoded is never longer. Returns how many bytes it is then.
size_t decode(std::string_view text, char* out) {
  size_t length = 0;
  for (size_t i = 0; i < text.size(); i++) {
    bool is_escape = text[i] == '\\' && i + 3 < text.size() && text[i + 1] <= '3' && is_octal(text[i + 1]) &&
                     is_octal(text[i + 2]) && is_octal(text[i + 3]);
    if (!is_escape) {
      out[length++] = text[i];
      continue;
    }
    out[length++] = static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
    i += 3;
  }
  return length;
}

// `field` lies in `text`, which is ours to write.
std::string_view decode_in_place(std::string_view field, const std::vector<char>& base, char* text) {
  if (field.find('\\') == std::string_view::npos) return field;
  char* start = text + (field.data() - base.data());
  return {start, decode(field, start)};
}

// The optional fields up to the "-" that ends them: "" if there are none. False if nothing ends them.
bool take_propagation(std::string_view& rest, std::string_view& propagation) {
  const char* start = rest.data();
  size_t length = 0;
  while (!rest.empty()) {
    std::string_view tag = take_until(rest, ' ');
    if (tag == "-") {
      propagation = {start, length};
      return true;
    }
    length = static_cast<size_t>(tag.data() + tag.size() - start);
  }
  return false;
}

// id parent major:minor root mount-point options [tag[:value]]... - type source super-options
bool parse_line(std::string_view rest, std::vector<char>& text, MountEntry& entry) {
  auto field = [&] { return decode_in_place(take_until(rest, ' '), text, text.data()); };
  if (!parse_id(take_until(rest, ' '), entry.id) || !parse_id(take_until(rest, ' '), entry.parent_id)) return false;
  entry.device = take_until(rest, ' ');
  entry.root = field();
  entry.mount_point = field();
  entry.options = take_until(rest, ' ');
  if (!take_propagation(rest, entry.propagation)) return false;
  if (entry.propagation.empty()) entry.propagation = "private";
  entry.fstype = field();
  entry.source = field();
  entry.super_options = decode_in_place(rest, text, text.data());
  return entry.device.find(':') != std::string_view::npos && !entry.mount_point.empty() && !entry.fstype.empty();
}

constexpr std::array kTexts = {&MountEntry::device,  &MountEntry::root,         &MountEntry::mount_point,
                               &MountEntry::options, &MountEntry::propagation,  &MountEntry::fstype,
                               &MountEntry::source,  &MountEntry::super_options};

// Mounts of one kind are near each other and share most of their texts: a few to look at find nearly all, and cost less than
// hashing.
class RecentTexts {
 public:
  // The place of `text`, which is `next` if it is none of the last ones.
  std::pair<uint32_t, bool> place_of(std::string_view text, uint32_t next) {
    for (const auto& [known, place] : last_) {
      if (known == text && place != kNone) return {place, false};
    }
    last_[oldest_] = {text, next};
    oldest_ = (oldest_ + 1) % last_.size();
    return {next, true};
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Known {
    std::string_view text;
    uint32_t place = kNone;
  };
  std::array<Known, 4> last_;
  size_t oldest_ = 0;
};

// No name has a NUL in it; a text that claims one would run into its neighbour behind the border.
bool has_null(const MountEntry& entry) {
  return std::any_of(kTexts.begin(), kTexts.end(), [&](auto text) { return (entry.*text).find('\0') != std::string_view::npos; });
}

}  // namespace

std::string decode_octal_escapes(std::string_view text) {
  std::string decoded(text.size(), '\0');
  decoded.resize(decode(text, decoded.data()));
  return decoded;
}

Result<MountTable> parse_mount_info(std::string_view text) {
  MountTable table;
  table.text_.assign(text.begin(), text.end());
  table.entries.reserve(static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1);
  std::string_view rest(table.text_.data(), table.text_.size());
  while (!rest.empty()) {
    auto offset = static_cast<size_t>(rest.data() - table.text_.data());
    std::string_view line = take_until(rest, '\n');
    if (line.empty()) continue;
    MountEntry entry;
    if (!parse_line(line, table.text_, entry) || has_null(entry)) {
      return Error{EBADMSG,
                   "mountinfo",
                   {},
                   {},
                   "line at offset " + std::to_string(offset) +
                       " not understood: " + std::string(text.substr(offset, std::min(line.size(), kMaxDetailBytes)))};
    }
    table.entries.push_back(entry);
  }
  return table;
}

Result<MountTable> read_mount_info() {
  auto text = sys::read_mount_table("/proc/self/mountinfo");
  if (!text) return std::move(text.error());
  return parse_mount_info(text.value());
}

FlatTable flatten(const MountTable& table) {
  FlatTable flat;
  flat.numbers.reserve(table.entries.size() * (2 + kTexts.size()));
  std::array<RecentTexts, kTexts.size()> recent;
  uint32_t texts = 0;
  for (const MountEntry& entry : table.entries) {
    flat.numbers.push_back(static_cast<uint32_t>(entry.id));
    flat.numbers.push_back(static_cast<uint32_t>(entry.parent_id));
    for (size_t at = 0; at < kTexts.size(); at++) {
      std::string_view text = entry.*kTexts[at];
      auto [place, is_new] = recent[at].place_of(text, texts);
      if (is_new) {
        flat.texts.append(text).push_back('\0');
        texts++;
      }
      flat.numbers.push_back(place);
    }
  }
  return flat;
}

}  // namespace talos::mount
