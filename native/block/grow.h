// A mounted file system that gets all of its device.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace talos::block {

struct Growth {
  uint64_t device_bytes = 0;
  // As statfs(2) counts: without what the file system needs for itself.
  uint64_t from_bytes = 0;
  uint64_t to_bytes = 0;
};

// Lets a mounted ext4 have as many whole blocks as its device has; nothing is done to one that has them. The kernel leaves out a
// rest at the end that is too small for a group of blocks. `folder_fd` is its root, or any folder in it, and may be O_PATH.
// ENOTSUP: it is no ext4, or not on a block device. Anything else is the kernel's word, with what it stands for as detail.
Result<Growth> grow_ext4(int folder_fd);

}  // namespace talos::block
