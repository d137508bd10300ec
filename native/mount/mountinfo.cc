#include "mount/mountinfo.h"

#include <charconv>

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
  return error == std::errc{} && end == field.data() + field.size() && !field.empty();
}

// id parent major:minor root mount-point options [tag[:value]]... - type source super-options
bool parse_line(std::string_view line, MountEntry& entry) {
  std::string_view rest = line;
  if (!parse_id(take_until(rest, ' '), entry.id) || !parse_id(take_until(rest, ' '), entry.parent_id)) return false;
  entry.device = take_until(rest, ' ');
  entry.root = decode_octal_escapes(take_until(rest, ' '));
  entry.mount_point = decode_octal_escapes(take_until(rest, ' '));
  entry.options = take_until(rest, ' ');
  for (;;) {
    if (rest.empty()) return false;
    std::string_view tag = take_until(rest, ' ');
    if (tag == "-") break;
    if (!entry.propagation.empty()) entry.propagation += ' ';
    entry.propagation += tag;
  }
  if (entry.propagation.empty()) entry.propagation = "private";
  entry.fstype = decode_octal_escapes(take_until(rest, ' '));
  entry.source = decode_octal_escapes(take_until(rest, ' '));
  entry.super_options = decode_octal_escapes(rest);
  return entry.device.find(':') != std::string::npos && !entry.mount_point.empty() && !entry.fstype.empty();
}

}  // namespace

std::string decode_octal_escapes(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); i++) {
    bool is_escape = text[i] == '\\' && i + 3 < text.size() && text[i + 1] <= '3' && is_octal(text[i + 1]) &&
                     is_octal(text[i + 2]) && is_octal(text[i + 3]);
    if (!is_escape) {
      decoded += text[i];
      continue;
    }
    decoded += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
    i += 3;
  }
  return decoded;
}

Result<std::vector<MountEntry>> parse_mount_info(std::string_view text) {
  std::vector<MountEntry> entries;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    if (line.empty()) continue;
    MountEntry entry;
    if (!parse_line(line, entry)) {
      return Error{EBADMSG, "mountinfo", {}, {}, "line not understood: " + std::string(line.substr(0, kMaxDetailBytes))};
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<std::vector<MountEntry>> read_mount_info() {
  auto text = sys::read_mount_table("/proc/self/mountinfo");
  if (!text) return text.error();
  return parse_mount_info(text.value());
}

}  // namespace talos::mount
