#include "mount/mount.h"

#include "mount/attach.h"
#include "mount/flags.h"
#include "sys/mount_calls.h"

namespace talos::mount {
namespace {

Result<void> run_steps(const MountRequest& request, const std::vector<MountStep>& steps) {
  bool made_mount = false;
  for (const MountStep& step : steps) {
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

}  // namespace

Result<void> mount(const MountRequest& request) {
  auto steps = plan_mount(request);
  if (!steps) return steps.error();
  if (auto plan = plan_attach(request)) {
    auto attached = attach(request, *plan);
    // An older kernel: nothing has been attached yet.
    if (attached || attached.error().errno_value != ENOSYS) return attached;
  }
  return run_steps(request, steps.value());
}

Result<void> unmount(const std::string& target, const std::vector<std::string>& flags) {
  auto bits = sum_unmount_flags(flags);
  if (!bits) {
    bits.error().path = target;
    return std::move(bits.error());
  }
  return sys::unmount(target, bits.value());
}

}  // namespace talos::mount
