// Mounting as a plan of single kernel calls: mount(2) does one thing at a time (a new mount, a bind, a remount, a change of
// propagation), and silently ignores the flags of the others.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace talos::mount {

struct MountRequest {
  std::string source;
  std::string target;
  // Empty for 'bind', 'move', 'remount' and a mere change of propagation.
  std::string fstype;
  // Names of the table in flags.cc, in any order.
  std::vector<std::string> flags;
  // Comma-separated options of the file system itself.
  std::string data;
};

struct MountStep {
  enum class Kind { kMount, kSetAttributes };
  Kind kind = Kind::kMount;
  // kMount: MS_* bits, and whether source, type and data go along.
  unsigned long flags = 0;
  bool with_arguments = false;
  // kSetAttributes: MOUNT_ATTR_* bits.
  uint64_t set = 0;
  uint64_t clear = 0;
  bool recursive = false;
};

// Pure. Fails with EINVAL and a detail that names the flag when flags are unknown or contradict each other.
Result<std::vector<MountStep>> plan_mount(const MountRequest& request);

}  // namespace talos::mount
