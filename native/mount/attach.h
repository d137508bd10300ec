// Mounts that are complete before they have a place (see sys/mount_api_calls.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "mount/plan.h"

namespace talos::mount {

// One option of a file system: without a value, with one, or a descriptor that is borrowed.
struct Parameter {
  std::string key;
  std::variant<std::monostate, std::string, int> value{};
};

struct NewMount {
  std::string fstype;
  std::string source;  // empty: none
  std::vector<Parameter> parameters;
  uint64_t attributes = 0;  // MOUNT_ATTR_*
};

// fsopen, fsconfig for each parameter, fsmount. The error names the parameter as `path`, and what the kernel says is its
// `detail`. Blocks for as long as the file system needs to read its device.
Result<UniqueFd> create_mount(const NewMount& request);

// The option string of mount(2), taken apart as the kernel does it. Nothing, when it can only be given as a whole: values above
// 255 bytes, and quotes and backslashes, which file systems read in their own ways. Pure.
std::optional<std::vector<Parameter>> parse_options(std::string_view data);

// How mount(2)'s request is done with descriptors.
struct AttachPlan {
  bool is_copy = false;    // of the mount at `source`; else a new file system
  bool recursive = false;  // the copy and what is done to it
  std::vector<Parameter> parameters;
  uint64_t attribute_set = 0;
  uint64_t attribute_clear = 0;
  std::vector<unsigned long> propagation;
};

// Nothing, when it makes no mount or cannot be said this way. Pure; `request` has been accepted by plan_mount.
std::optional<AttachPlan> plan_attach(const MountRequest& request);

// ENOSYS: this kernel lacks one of the calls, and nothing has changed.
Result<void> attach(const MountRequest& request, const AttachPlan& plan);

}  // namespace talos::mount
