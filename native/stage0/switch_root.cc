#include "stage0/switch_root.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/unique_fd.h"
#include "stage0/failure.h"
#include "stage0/log.h"

namespace talos::stage0 {
namespace {

constexpr const char* kMoved[] = {"/dev", "/proc", "/sys"};
// statfs(2): what a root made of an initramfs can be. Anything else is a disk, and nothing is ever removed from one.
constexpr long kRamfsMagic = 0x858458f6;
constexpr long kTmpfsMagic = 0x01021994;
constexpr int kMaxDepth = 16;  // our initramfs is two levels deep

// Removes what is below `directory`, staying on file system `device`. Failures are left behind: they cost memory, not the boot.
void remove_below(UniqueFd directory, dev_t device, int depth) noexcept {
  int fd = directory.release();
  DIR* stream = fdopendir(fd);
  if (stream == nullptr) {
    UniqueFd closed(fd);
    return;
  }
  while (dirent* entry = readdir(stream)) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    struct stat status;
    if (fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 || status.st_dev != device) continue;
    bool is_directory = S_ISDIR(status.st_mode);
    if (is_directory && depth < kMaxDepth) {
      UniqueFd child(openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (child) remove_below(static_cast<UniqueFd&&>(child), device, depth + 1);
    }
    unlinkat(fd, entry->d_name, is_directory ? AT_REMOVEDIR : 0);
  }
  closedir(stream);
}

void free_initramfs() noexcept {
  UniqueFd root(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status;
  struct statfs kind;
  if (!root || fstat(root.get(), &status) < 0 || fstatfs(root.get(), &kind) < 0) return;
  if (kind.f_type != kRamfsMagic && kind.f_type != kTmpfsMagic) fail("recognise the initramfs on", "/", 0);
  remove_below(static_cast<UniqueFd&&>(root), status.st_dev, 0);
}

}  // namespace

void switch_root(const char* new_root) noexcept {
  for (const char* mounted : kMoved) {
    char target[64];
    snprintf(target, sizeof target, "%s%s", new_root, mounted);
    if (mount(mounted, target, nullptr, MS_MOVE, nullptr) < 0) fail("move the mount of", mounted, errno);
  }
  if (chdir(new_root) < 0) fail("enter", new_root, errno);
  free_initramfs();
  if (mount(".", "/", nullptr, MS_MOVE, nullptr) < 0) fail("make the root image the root at", new_root, errno);
  if (chroot(".") < 0) fail("change the root to", new_root, errno);
  if (chdir("/") < 0) fail("enter", "/", errno);
  log_info("initramfs freed, root switched");
}

}  // namespace talos::stage0
