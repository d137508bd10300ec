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
  // A piece of a line that the kernel could not put together, because something else was printed in between (flag `c`, in kernels
  // before 4.12 also `+` for all pieces but the first).
  bool is_fragment = false;
};

// The texts of a record, still with the kernel's escapes. The last two name the device that the message is about, in the form of
// the ABI document: a subsystem, and "b8:0" (block), "c1:3" (character), "n2" (interface by index) or "+pci:0000:00:01.0".
struct RecordTexts {
  std::string_view message;
  std::string_view subsystem;
  std::string_view device;
};

// "priority,sequence,timestamp,flags[,more];message\n SUBSYSTEM=value\n DEVICE=value\n". False when it is no such record. What
// later kernels put behind the flags, and keys that are not known, are passed over.
// Source: Documentation/ABI/testing/dev-kmsg of the kernel.
bool parse_record(std::string_view record, RecordHeader& header, RecordTexts& texts);

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
