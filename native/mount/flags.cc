#include "mount/flags.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "sys/mount_calls.h"

namespace talos::mount {
namespace {

enum class FlagKind {
  kAttribute,    // of the single mount: also settable by mount_setattr(2)
  kSuperblock,   // of the file system behind it
  kOperation,    // which call it is
  kPropagation,  // a call of its own
};

struct MountFlag {
  std::string_view name;
  FlagKind kind;
  unsigned long bits;
  uint64_t attribute_set = 0;
  uint64_t attribute_clear = 0;
};

// One line a flag. The three time policies exclude each other: setting one clears the field first.
constexpr std::array kMountFlags = {
    MountFlag{"ro", FlagKind::kAttribute, MS_RDONLY, MOUNT_ATTR_RDONLY},
    MountFlag{"nosuid", FlagKind::kAttribute, MS_NOSUID, MOUNT_ATTR_NOSUID},
    MountFlag{"nodev", FlagKind::kAttribute, MS_NODEV, MOUNT_ATTR_NODEV},
    MountFlag{"noexec", FlagKind::kAttribute, MS_NOEXEC, MOUNT_ATTR_NOEXEC},
    MountFlag{"nodiratime", FlagKind::kAttribute, MS_NODIRATIME, MOUNT_ATTR_NODIRATIME},
    MountFlag{"nosymfollow", FlagKind::kAttribute, 256 /* MS_NOSYMFOLLOW */, MOUNT_ATTR_NOSYMFOLLOW},
    MountFlag{"noatime", FlagKind::kAttribute, MS_NOATIME, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    MountFlag{"relatime", FlagKind::kAttribute, MS_RELATIME, MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    MountFlag{"strictatime", FlagKind::kAttribute, MS_STRICTATIME, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    MountFlag{"sync", FlagKind::kSuperblock, MS_SYNCHRONOUS},
    MountFlag{"dirsync", FlagKind::kSuperblock, MS_DIRSYNC},
    MountFlag{"lazytime", FlagKind::kSuperblock, MS_LAZYTIME},
    MountFlag{"silent", FlagKind::kSuperblock, MS_SILENT},
    MountFlag{"bind", FlagKind::kOperation, MS_BIND},
    MountFlag{"move", FlagKind::kOperation, MS_MOVE},
    MountFlag{"remount", FlagKind::kOperation, MS_REMOUNT},
    MountFlag{"rec", FlagKind::kOperation, MS_REC},
    MountFlag{"private", FlagKind::kPropagation, MS_PRIVATE},
    MountFlag{"slave", FlagKind::kPropagation, MS_SLAVE},
    MountFlag{"shared", FlagKind::kPropagation, MS_SHARED},
    MountFlag{"unbindable", FlagKind::kPropagation, MS_UNBINDABLE},
};

struct UnmountFlag {
  std::string_view name;
  int bits;
};

constexpr std::array kUnmountFlags = {
    UnmountFlag{"detach", MNT_DETACH},
    UnmountFlag{"force", MNT_FORCE},
    UnmountFlag{"expire", MNT_EXPIRE},
    UnmountFlag{"nofollow", UMOUNT_NOFOLLOW},
};

}  // namespace

Result<FlagSum> sum_flags(const std::vector<std::string>& names, const char* syscall) {
  FlagSum sum;
  for (const std::string& name : names) {
    auto flag = std::find_if(kMountFlags.begin(), kMountFlags.end(), [&](const MountFlag& known) { return known.name == name; });
    if (flag == kMountFlags.end()) {
      return Error{EINVAL, syscall, {}, {}, "unknown mount flag '" + name + "'"};
    }
    switch (flag->kind) {
      case FlagKind::kAttribute:
        sum.attributes |= flag->bits;
        sum.attribute_set |= flag->attribute_set;
        sum.attribute_clear |= flag->attribute_clear;
        if (flag->bits == MS_RDONLY) sum.superblock_names.push_back(name);
        break;
      case FlagKind::kSuperblock:
        sum.superblock |= flag->bits;
        if (flag->bits == MS_SILENT) {
          sum.is_silent = true;
        } else {
          sum.superblock_names.push_back(name);
        }
        break;
      case FlagKind::kOperation:
        sum.operation |= flag->bits;
        break;
      case FlagKind::kPropagation:
        sum.propagation.push_back(flag->bits);
        break;
    }
  }
  return sum;
}

Result<int> sum_unmount_flags(const std::vector<std::string>& names) {
  int bits = 0;
  for (const std::string& name : names) {
    auto flag =
        std::find_if(kUnmountFlags.begin(), kUnmountFlags.end(), [&](const UnmountFlag& known) { return known.name == name; });
    if (flag == kUnmountFlags.end()) return Error{EINVAL, "umount2", {}, {}, "unknown unmount flag '" + name + "'"};
    bits |= flag->bits;
  }
  return bits;
}

}  // namespace talos::mount
