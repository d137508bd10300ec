// The text formats of /dev/kmsg: records as they are read, lines as they are written. Pure: fuzzable without a kernel.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace talos::kmsg {

struct RecordHeader {
  uint32_t facility = 0;
  uint32_t level = 0;
  uint64_t sequence = 0;
  uint64_t timestamp_us = 0;
};

// "priority,sequence,timestamp,flags[,more];message\n KEY=value\n": fills the header and points `message` at the still escaped
// text. The continuation lines (they begin with a space and name the device) are left out. False when it is no such record.
bool parse_record(std::string_view record, RecordHeader& header, std::string_view& message);

// Appends `text` to `out` with the kernel's escapes (`\xNN`) decoded, and without newlines at its end.
void append_decoded(std::string_view text, std::string& out);

// Records that write `text` as facility daemon at `level` (0 to 7), each complete with prefix and newline:
// - one a line of `text`; empty lines are left out;
// - a line longer than the kernel takes becomes several, never cut inside a character;
// - control characters become a visible `\xNN`, so that nothing written here moves a cursor or ends a record;
// - at most kMaxRecordsPerWrite, the last one then says how much was left out: each is printed to the console synchronously.
std::vector<std::string> format_records(int level, std::string_view text);

inline constexpr size_t kMaxRecordsPerWrite = 64;

}  // namespace talos::kmsg
