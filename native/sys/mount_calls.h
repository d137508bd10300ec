// System calls of mounting. MS_*, MNT_* and MOUNT_ATTR_* come from <sys/mount.h>, which nothing outside sys/ includes by itself.
#pragma once

#include <sys/mount.h>

#include <cstdint>
#include <string>

#include "base/result.h"

namespace talos::sys {

// mount(2). Empty strings travel as null pointers where the kernel allows it (source, fstype, data).
// Blocks for as long as the file system needs to read its device; not at all for pseudo and memory file systems.
Result<void> mount(const std::string& source, const std::string& target, const std::string& fstype, unsigned long flags,
                   const std::string& data);

// umount2(2). Blocks while dirty data is written, unless `flags` has MNT_DETACH.
Result<void> unmount(const std::string& target, int flags);

// mount_setattr(2) on an existing mount, or on the whole tree below it when `recursive`. Does not block.
Result<void> set_mount_attributes(const std::string& target, uint64_t set, uint64_t clear, bool recursive);

// The whole text of `path` (a mountinfo file), read again when the mount table changed in between: mounts that come and go
// between two reads of one file would be listed twice or not at all.
Result<std::string> read_mount_table(const std::string& path);

}  // namespace talos::sys
