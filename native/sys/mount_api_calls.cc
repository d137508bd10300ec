#include "sys/mount_api_calls.h"

#include <fcntl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace talos::sys {
namespace {

// The kernel keeps the last eight.
constexpr int kMaxMessages = 16;
constexpr size_t kMessageBytes = 4096;

}  // namespace

Result<UniqueFd> open_file_system(const std::string& fstype) {
  UniqueFd fd(::fsopen(fstype.c_str(), FSOPEN_CLOEXEC));
  if (!fd) return last_error("fsopen", fstype);
  return fd;
}

Result<void> configure_flag(int context, const std::string& key) {
  if (::fsconfig(context, FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0) == -1) return last_error("fsconfig", key);
  return {};
}

Result<void> configure_string(int context, const std::string& key, const std::string& value) {
  if (::fsconfig(context, FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0) == -1) return last_error("fsconfig", key);
  return {};
}

Result<void> configure_descriptor(int context, const std::string& key, int fd) {
  if (::fsconfig(context, FSCONFIG_SET_FD, key.c_str(), nullptr, fd) == -1) return last_error("fsconfig", key);
  return {};
}

Result<void> create_superblock(int context) {
  if (::fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == -1) return last_error("fsconfig");
  return {};
}

std::string context_messages(int context) {
  std::string all;
  char message[kMessageBytes];
  for (int number = 0; number < kMaxMessages; number++) {
    ssize_t length = ::read(context, message, sizeof message);
    if (length == -1 && errno == EINTR) continue;
    if (length <= 0) break;  // ENODATA: that was all
    std::string_view text(message, static_cast<size_t>(length));
    // "e text": its level is e, w or i.
    if (text.size() > 2 && text[1] == ' ') text.remove_prefix(2);
    while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    if (!all.empty()) all += '\n';
    all += text;
  }
  return all;
}

Result<UniqueFd> make_detached_mount(int context, uint64_t attributes) {
  UniqueFd fd(::fsmount(context, FSMOUNT_CLOEXEC, static_cast<unsigned int>(attributes)));
  if (!fd) return last_error("fsmount");
  return fd;
}

Result<UniqueFd> open_tree(const std::string& path, bool clone, bool recursive) {
  unsigned int flags = OPEN_TREE_CLOEXEC | (clone ? OPEN_TREE_CLONE : 0) | (recursive ? AT_RECURSIVE : 0);
  UniqueFd fd(::open_tree(AT_FDCWD, path.c_str(), flags));
  if (!fd) return last_error("open_tree", path);
  return fd;
}

Result<void> attach_mount(int mount_fd, const std::string& target) {
  constexpr unsigned int kFlags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS | MOVE_MOUNT_T_AUTOMOUNTS;
  if (::move_mount(mount_fd, "", AT_FDCWD, target.c_str(), kFlags) == -1) return last_error("move_mount", {}, target);
  return {};
}

Result<void> attach_mount_at(int mount_fd, int target_fd) {
  constexpr unsigned int kFlags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  if (::move_mount(mount_fd, "", target_fd, "", kFlags) == -1) return last_error("move_mount");
  return {};
}

Result<void> change_mount(int mount_fd, const MountChange& change) {
  struct mount_attr attributes = {};
  attributes.attr_set = change.set;
  attributes.attr_clr = change.clear;
  attributes.propagation = change.propagation;
  unsigned int flags = AT_EMPTY_PATH | (change.recursive ? AT_RECURSIVE : 0);
  if (::mount_setattr(mount_fd, "", flags, &attributes, sizeof attributes) == -1) return last_error("mount_setattr");
  return {};
}

Result<void> pivot_root(const std::string& new_root, const std::string& put_old) {
  if (::syscall(SYS_pivot_root, new_root.c_str(), put_old.c_str()) == -1) return last_error("pivot_root", new_root, put_old);
  return {};
}

Result<FileSystemSpace> file_system_space(const std::string& path) {
  struct statfs space;
  int done;
  do {
    done = ::statfs(path.c_str(), &space);
  } while (done == -1 && errno == EINTR);
  if (done == -1) return last_error("statfs", path);
  constexpr long kReadOnly = 1;  // ST_RDONLY
  return FileSystemSpace{.type = static_cast<uint64_t>(space.f_type),
                         .block_bytes = static_cast<uint64_t>(space.f_frsize != 0 ? space.f_frsize : space.f_bsize),
                         .blocks = space.f_blocks,
                         .free_blocks = space.f_bfree,
                         .available_blocks = space.f_bavail,
                         .files = space.f_files,
                         .free_files = space.f_ffree,
                         .is_read_only = (space.f_flags & kReadOnly) != 0};
}

Result<UniqueFd> open_working_folder() {
  UniqueFd fd(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return last_error("open", ".");
  return fd;
}

Result<void> enter_folder(const std::string& path) {
  if (::chdir(path.c_str()) == -1) return last_error("chdir", path);
  return {};
}

Result<void> enter_folder_of(int fd) {
  if (::fchdir(fd) == -1) return last_error("fchdir");
  return {};
}

Result<void> change_root(const std::string& path) {
  if (::chroot(path.c_str()) == -1) return last_error("chroot", path);
  return {};
}

}  // namespace talos::sys
