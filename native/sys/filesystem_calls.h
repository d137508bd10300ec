// System calls on a file system that is mounted, by a descriptor of something in it. All of them may sleep on its device.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace talos::sys {

struct FilesystemFacts {
  // Whether the ext4 driver has mounted it: ext2 and ext3 are told as the same type.
  bool is_ext = false;
  uint32_t block_bytes = 0;
  // Without what the file system needs for itself, as statfs(2) counts.
  uint64_t blocks = 0;
  // Of the device that it lies on.
  uint32_t major = 0;
  uint32_t minor = 0;
};

// fstat(2) and fstatfs(2).
Result<FilesystemFacts> filesystem_facts(int fd, const std::string& path);

// EXT4_IOC_RESIZE_FS: lets an ext4 have `blocks` blocks of its device, and returns when its journal is on the medium. ENOTTY for
// another file system. The descriptor must not be O_PATH; it need not be open for writing.
Result<void> resize_ext4(int fd, uint64_t blocks, const std::string& path);

}  // namespace talos::sys
