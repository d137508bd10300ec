#include "mount/mount.h"

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

// What the flag names add up to.
struct FlagSum {
  unsigned long attributes = 0;
  unsigned long superblock = 0;
  unsigned long operation = 0;
  std::vector<unsigned long> propagation;
  uint64_t attribute_set = 0;
  uint64_t attribute_clear = 0;
};

Error invalid(const MountRequest& request, std::string detail) {
  return Error{EINVAL, "mount", request.source, request.target, std::move(detail)};
}

Result<FlagSum> sum_flags(const MountRequest& request) {
  FlagSum sum;
  for (const std::string& name : request.flags) {
    auto flag = std::find_if(kMountFlags.begin(), kMountFlags.end(), [&](const MountFlag& known) { return known.name == name; });
    if (flag == kMountFlags.end()) return invalid(request, "unknown mount flag '" + name + "'");
    switch (flag->kind) {
      case FlagKind::kAttribute:
        sum.attributes |= flag->bits;
        sum.attribute_set |= flag->attribute_set;
        sum.attribute_clear |= flag->attribute_clear;
        break;
      case FlagKind::kSuperblock:
        sum.superblock |= flag->bits;
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

MountStep mount_step(unsigned long flags) { return {.flags = flags, .with_arguments = true}; }

}  // namespace

Result<std::vector<MountStep>> plan_mount(const MountRequest& request) {
  auto summed = sum_flags(request);
  if (!summed) return summed.error();
  const FlagSum& sum = summed.value();

  const unsigned long recursion = sum.operation & MS_REC;
  const unsigned long operation = sum.operation & ~static_cast<unsigned long>(MS_REC);
  const bool is_new = operation == 0 && !request.fstype.empty();
  if (recursion != 0 && operation != MS_BIND && sum.propagation.empty()) {
    return invalid(request, "'rec' goes with 'bind' or with a propagation flag");
  }

  std::vector<MountStep> steps;
  switch (operation) {
    case 0:
      if (is_new) {
        steps.push_back(mount_step(sum.attributes | sum.superblock));
      } else if (sum.propagation.empty() || (sum.attributes | sum.superblock) != 0) {
        return invalid(request, "a new mount needs a file system type");
      }
      break;
    case MS_BIND:
      if (sum.superblock != 0) return invalid(request, "a bind mount cannot change its file system");
      steps.push_back(mount_step(MS_BIND | recursion));
      // The binding call ignores attributes. mount_setattr adds ours and keeps those that the bind took over from its source,
      // and it alone reaches the mounts below.
      if (sum.attributes != 0) {
        steps.push_back({.kind = MountStep::Kind::kSetAttributes,
                         .set = sum.attribute_set,
                         .clear = sum.attribute_clear,
                         .recursive = recursion != 0});
      }
      break;
    case MS_MOVE:
      if ((sum.attributes | sum.superblock) != 0) return invalid(request, "'move' takes no other flags");
      steps.push_back(mount_step(MS_MOVE));
      break;
    case MS_REMOUNT:
      steps.push_back(mount_step(MS_REMOUNT | sum.attributes | sum.superblock));
      break;
    case MS_REMOUNT | MS_BIND:
      if (sum.superblock != 0) return invalid(request, "'remount,bind' cannot change the file system");
      steps.push_back(mount_step(MS_REMOUNT | MS_BIND | sum.attributes));
      break;
    default:
      return invalid(request, "contradicting operations");
  }
  for (unsigned long propagation : sum.propagation) steps.push_back({.flags = propagation | recursion});
  return steps;
}

Result<void> mount(const MountRequest& request) {
  auto plan = plan_mount(request);
  if (!plan) return plan.error();
  bool made_mount = false;
  for (const MountStep& step : plan.value()) {
    Result<void> done;
    if (step.kind == MountStep::Kind::kSetAttributes) {
      done = sys::set_mount_attributes(request.target, step.set, step.clear, step.recursive);
    } else if (step.with_arguments) {
      done = sys::mount(request.source, request.target, request.fstype, step.flags, request.data);
    } else {
      done = sys::mount("none", request.target, "", step.flags, "");
    }
    if (!done) {
      // The first error is the one to report; a mount that is less restricted than asked for must not stay.
      if (made_mount) (void)sys::unmount(request.target, MNT_DETACH | UMOUNT_NOFOLLOW);
      return done;
    }
    if (step.with_arguments && (step.flags & (MS_REMOUNT | MS_MOVE)) == 0) made_mount = true;
  }
  return {};
}

Result<void> unmount(const std::string& target, const std::vector<std::string>& flags) {
  int bits = 0;
  for (const std::string& name : flags) {
    auto flag =
        std::find_if(kUnmountFlags.begin(), kUnmountFlags.end(), [&](const UnmountFlag& known) { return known.name == name; });
    if (flag == kUnmountFlags.end()) return Error{EINVAL, "umount2", target, {}, "unknown unmount flag '" + name + "'"};
    bits |= flag->bits;
  }
  return sys::unmount(target, bits);
}

}  // namespace talos::mount
