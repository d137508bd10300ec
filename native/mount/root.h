// Another root for this process: pivot_root(2), and the whole way of it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace talos::mount {

// Makes the mount at `new_root` the root of this mount namespace: the mounts at `kept` (absolute paths) move to the same places
// in it, and what was the root is taken away. Threads of this process that stood in the old root or its working folder stand in
// the new one. When a step fails, the mounts are moved back and everything is as before. From an initramfs, which cannot be
// pivoted away from, the new root is mounted over the old one; freeing the old one is up to the caller. EINVAL: `new_root` is no
// mount point, or it or the root is shared with other namespaces.
Result<void> switch_root(const std::string& new_root, const std::vector<std::string>& kept);

}  // namespace talos::mount
