// Parser of /proc/[pid]/mountinfo (proc(5)). Pure: fuzzable without a kernel.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace talos::mount {

// Parts of the table's text, which was decoded where it stands.
struct MountEntry {
  int id = 0;
  int parent_id = 0;
  std::string_view device;  // "major:minor"
  std::string_view root;
  std::string_view mount_point;
  std::string_view options;
  std::string_view propagation;  // the optional fields ("shared:1 master:2"), "private" when there are none
  std::string_view fstype;
  std::string_view source;
  std::string_view super_options;
};

class MountTable {
 public:
  // In the order of the file.
  std::vector<MountEntry> entries;

 private:
  friend Result<MountTable> parse_mount_info(std::string_view text);
  std::vector<char> text_;  // what the entries point into; moving the table leaves it where it is
};

// Decodes `\ooo`; a backslash that no three octal digits follow stays as it is.
std::string decode_octal_escapes(std::string_view text);

// EBADMSG with the offset and the line in `detail` if one is not understood: nothing is left out silently.
Result<MountTable> parse_mount_info(std::string_view text);

// Reads and parses the table of this process's mount namespace.
Result<MountTable> read_mount_info();

// The table for a border that is dear to cross: each text once, with a NUL behind it, as long as neighbours share it, and ten
// numbers a mount: id, parent, and the place of each text in the order of MountEntry.
struct FlatTable {
  std::string texts;
  std::vector<uint32_t> numbers;
};
FlatTable flatten(const MountTable& table);

}  // namespace talos::mount
