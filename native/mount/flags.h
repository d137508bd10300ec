// Names of mount flags to the numbers of the kernel's two mount APIs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace talos::mount {

// What the flag names add up to. MS_* and MNT_* are of mount(2) and umount2(2), MOUNT_ATTR_* of the API by descriptors.
struct FlagSum {
  unsigned long attributes = 0;  // of the single mount, MS_*
  uint64_t attribute_set = 0;    // the same as MOUNT_ATTR_*
  uint64_t attribute_clear = 0;
  unsigned long superblock = 0;  // of the file system behind it, MS_*
  // What a file system is told of it by fsconfig(2): 'ro' is said to both the mount and the file system.
  std::vector<std::string> superblock_names;
  bool is_silent = false;                  // has no word in fsconfig(2)
  unsigned long operation = 0;             // which call it is
  std::vector<unsigned long> propagation;  // a call of its own each
};

// EINVAL with the unknown name in `detail`. `syscall` is for the error.
Result<FlagSum> sum_flags(const std::vector<std::string>& names, const char* syscall);

Result<int> sum_unmount_flags(const std::vector<std::string>& names);

}  // namespace talos::mount
