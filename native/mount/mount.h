// Mounting and unmounting at paths.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "mount/plan.h"

namespace talos::mount {

// All or nothing for what is newly mounted. A new file system or a bind is made complete, with its attributes, before it gets its
// place (the API by descriptors); where the kernel or the options do not allow that, it is made in steps of mount(2) and detached
// again when a later one fails. Everything else is steps of mount(2). `detail` of the error holds what the kernel has to say.
// Blocks like mount(2): on the device of the file system.
Result<void> mount(const MountRequest& request);

// `flags`: 'detach' 'force' 'expire' 'nofollow'. Blocks while dirty data is written, unless detached.
Result<void> unmount(const std::string& target, const std::vector<std::string>& flags);

}  // namespace talos::mount
