#include "kmsg/record.h"

#include <algorithm>
#include <charconv>

namespace talos::kmsg {
namespace {

constexpr int kFacilityDaemon = 3;
// The kernel refuses a write above 1024 bytes (976 before 6.6), prefix and newline included.
constexpr size_t kMaxRecordBytes = 960;
// And it cuts what readers get off at 2048 bytes, its own prefix and its escapes (four bytes for one) included.
constexpr size_t kMaxEscapedBytes = 1900;
// Continuation lines begin with a blank, which a message cannot forge: a newline in it is escaped.
constexpr std::string_view kSubsystem = " SUBSYSTEM=";
constexpr std::string_view kDevice = " DEVICE=";

bool take_number(std::string_view& rest, uint64_t& value) {
  auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error != std::errc{}) return false;
  rest.remove_prefix(static_cast<size_t>(end - rest.data()));
  return true;
}

bool take_comma(std::string_view& rest) {
  if (!rest.starts_with(',')) return false;
  rest.remove_prefix(1);
  return true;
}

// Up to the next newline, which is taken as well.
std::string_view take_line(std::string_view& rest) {
  size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_escape(unsigned char byte, std::string& out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out += "\\x";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

// The bytes of the character at the front, so that a cut never splits one; invalid bytes count singly.
size_t character_bytes(std::string_view text) {
  auto first = static_cast<unsigned char>(text[0]);
  size_t wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  size_t have = 1;
  while (have < wanted && have < text.size() && (static_cast<unsigned char>(text[have]) & 0xc0) == 0x80) have++;
  return have == wanted ? wanted : 1;
}

// C0 (but for the tab), DEL, and C1 in its UTF-8 form, which terminals obey just the same.
bool is_control(std::string_view character) {
  auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return (first < 0x20 && first != '\t') || first == 0x7f;
  return character.size() == 2 && first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
}

// The size of `text` as the kernel hands it out.
size_t escaped_bytes(std::string_view text) {
  size_t size = 0;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    size += byte < 0x20 || byte >= 0x7f || byte == '\\' ? 4 : 1;
  }
  return size;
}

std::string visible(std::string_view character) {
  if (!is_control(character)) return std::string(character);
  std::string escaped;
  for (char c : character) append_escape(static_cast<unsigned char>(c), escaped);
  return escaped;
}

// Collects the records of one call, and counts what is beyond the bound instead of storing it.
class RecordList {
 public:
  explicit RecordList(int level) : prefix_('<' + std::to_string(kFacilityDaemon * 8 + level) + '>') {}

  void append(std::string_view character) {
    std::string unit = visible(character);
    size_t escaped = escaped_bytes(unit);
    bool fits = prefix_.size() + line_.size() + unit.size() + 1 <= kMaxRecordBytes && escaped_ + escaped <= kMaxEscapedBytes;
    if (!fits) end_line();
    line_ += unit;
    escaped_ += escaped;
  }

  void end_line() {
    if (line_.empty()) return;
    if (records_.size() + 1 < kMaxRecordsPerWrite) {
      records_.push_back(prefix_ + line_ + '\n');
    } else {
      bytes_left_out_ += line_.size();
    }
    line_.clear();
    escaped_ = 0;
  }

  std::vector<std::string> take() {
    end_line();
    if (bytes_left_out_ > 0) records_.push_back(prefix_ + "[" + std::to_string(bytes_left_out_) + " more bytes left out]\n");
    return std::move(records_);
  }

 private:
  std::string prefix_;
  std::string line_;
  size_t escaped_ = 0;
  std::vector<std::string> records_;
  size_t bytes_left_out_ = 0;
};

}  // namespace

bool parse_record(std::string_view record, RecordHeader& header, RecordTexts& texts) {
  std::string_view rest = record;
  uint64_t priority = 0;
  if (!take_number(rest, priority) || !take_comma(rest) || !take_number(rest, header.sequence) || !take_comma(rest) ||
      !take_number(rest, header.timestamp_us) || !rest.starts_with(',')) {
    return false;
  }
  // Flags and whatever later kernels put behind them end at the semicolon.
  size_t semicolon = rest.find(';');
  if (semicolon == std::string_view::npos || priority > UINT32_MAX) return false;
  header.level = static_cast<uint32_t>(priority & 7);
  header.facility = static_cast<uint32_t>(priority >> 3);
  std::string_view flags = rest.substr(1, semicolon - 1);
  flags = flags.substr(0, flags.find(','));
  header.is_fragment = flags.find_first_of("c+") != std::string_view::npos;
  rest.remove_prefix(semicolon + 1);
  texts = {.message = take_line(rest), .subsystem = {}, .device = {}};
  while (!rest.empty()) {
    std::string_view line = take_line(rest);
    if (line.starts_with(kSubsystem)) texts.subsystem = line.substr(kSubsystem.size());
    if (line.starts_with(kDevice)) texts.device = line.substr(kDevice.size());
  }
  return true;
}

void append_decoded(std::string_view text, std::string& out) {
  const size_t start = out.size();
  for (size_t i = 0; i < text.size();) {
    size_t backslash = text.find('\\', i);
    out.append(text.substr(i, backslash - i));
    if (backslash == std::string_view::npos) break;
    bool is_escape = backslash + 3 < text.size() && text[backslash + 1] == 'x' && hex_digit(text[backslash + 2]) >= 0 &&
                     hex_digit(text[backslash + 3]) >= 0;
    if (is_escape) {
      out += static_cast<char>(hex_digit(text[backslash + 2]) * 16 + hex_digit(text[backslash + 3]));
      i = backslash + 4;
    } else {
      out += '\\';
      i = backslash + 1;
    }
  }
  while (out.size() > start && out.back() == '\n') out.pop_back();
}

std::vector<std::string> format_records(int level, std::string_view text) {
  RecordList list(level);
  while (!text.empty()) {
    if (text[0] == '\n') {
      list.end_line();
      text.remove_prefix(1);
      continue;
    }
    size_t size = character_bytes(text);
    list.append(text.substr(0, size));
    text.remove_prefix(size);
  }
  return list.take();
}

}  // namespace talos::kmsg
