// The mount API by descriptors: a file system is configured, becomes a mount that is attached nowhere, gets its attributes, and
// only then a place. fsopen(2), fsconfig(2), fsmount(2), open_tree(2), mount_setattr(2), move_mount(2). Linux ≥ 5.2,
// mount_setattr ≥ 5.12.
#pragma once

#include <sys/mount.h>

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

Result<UniqueFd> open_file_system(const std::string& fstype);

// fsconfig(2): an option without a value, with one (at most 255 bytes, the kernel's limit), or one that is a descriptor.
Result<void> configure_flag(int context, const std::string& key);
Result<void> configure_string(int context, const std::string& key, const std::string& value);
Result<void> configure_descriptor(int context, const std::string& key, int fd);

// FSCONFIG_CMD_CREATE. Blocks for as long as the file system needs to read its device.
Result<void> create_superblock(int context);

// What the kernel has to say of the last calls on `context`, one message a line, without its level. Empty when it says nothing.
std::string context_messages(int context);

// fsmount(2). `attributes`: MOUNT_ATTR_*.
Result<UniqueFd> make_detached_mount(int context, uint64_t attributes);

// open_tree(2): the place itself (O_PATH), or a detached copy of the mount at it; of all mounts below as well when `recursive`.
Result<UniqueFd> open_tree(const std::string& path, bool clone, bool recursive);

// move_mount(2) of the mount behind `mount_fd`; links at the end of `target` are followed, as mount(2) does.
Result<void> attach_mount(int mount_fd, const std::string& target);
Result<void> attach_mount_at(int mount_fd, int target_fd);

struct MountChange {
  uint64_t set = 0;  // MOUNT_ATTR_*
  uint64_t clear = 0;
  uint64_t propagation = 0;  // MS_PRIVATE …; 0 leaves it
  bool recursive = false;
};

// mount_setattr(2) on the mount behind a descriptor. Does not block.
Result<void> change_mount(int mount_fd, const MountChange& change);

// pivot_root(2).
Result<void> pivot_root(const std::string& new_root, const std::string& put_old);

// statfs(2). Hangs on a file system whose server is gone.
struct FileSystemSpace {
  uint64_t type = 0;
  uint64_t block_bytes = 0;
  uint64_t blocks = 0;
  uint64_t free_blocks = 0;
  uint64_t available_blocks = 0;  // to processes without privileges
  uint64_t files = 0;
  uint64_t free_files = 0;
  bool is_read_only = false;
};
Result<FileSystemSpace> file_system_space(const std::string& path);

// For the change of the root: chdir(2), chroot(2), and back by descriptor.
Result<UniqueFd> open_working_folder();
Result<void> enter_folder(const std::string& path);
Result<void> enter_folder_of(int fd);
Result<void> change_root(const std::string& path);

}  // namespace talos::sys
