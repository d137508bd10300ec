// Parser of /proc/[pid]/mountinfo (proc(5)). Pure: fuzzable without a kernel.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace talos::mount {

struct MountEntry {
  int id = 0;
  int parent_id = 0;
  std::string device;  // "major:minor"
  std::string root;
  std::string mount_point;
  std::string options;
  std::string propagation;  // the optional fields ("shared:1 master:2"), "private" when there are none
  std::string fstype;
  std::string source;
  std::string super_options;
};

// Decodes `\ooo`; a backslash that no three octal digits follow stays as it is.
std::string decode_octal_escapes(std::string_view text);

// Entries in the order of the file. EBADMSG with the line in `detail` if one is not understood: nothing is left out silently.
Result<std::vector<MountEntry>> parse_mount_info(std::string_view text);

// Reads and parses the table of this process's mount namespace.
Result<std::vector<MountEntry>> read_mount_info();

}  // namespace talos::mount
