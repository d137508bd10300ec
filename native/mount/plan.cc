#include "mount/plan.h"

#include "mount/flags.h"
#include "sys/mount_calls.h"

namespace talos::mount {
namespace {

Error invalid(const MountRequest& request, std::string detail) {
  return Error{EINVAL, "mount", request.source, request.target, std::move(detail)};
}

MountStep mount_step(unsigned long flags) { return {.flags = flags, .with_arguments = true}; }

}  // namespace

Result<std::vector<MountStep>> plan_mount(const MountRequest& request) {
  auto summed = sum_flags(request.flags, "mount");
  if (!summed) return invalid(request, std::move(summed.error().detail));
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

}  // namespace talos::mount
