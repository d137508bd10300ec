// Groups of cgroup v2, named by a path relative to the root of the tree and resolved strictly beneath it.
// Source: Documentation/admin-guide/cgroup-v2.rst of the kernel.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::cgroup {

// Makes the group if it is missing (not its parents) and opens it. None of these calls blocks on a device.
Result<UniqueFd> create(const std::string& root, const std::string& path);
Result<void> remove(const std::string& root, const std::string& path);

// Enables for the children of the group those of `controllers` that cgroup.controllers offers, in one write; returns the others.
Result<std::vector<std::string>> enable_controllers(int group_fd, const std::vector<std::string>& controllers);

// Moves one process with all its threads into the group. ESRCH: there is none; EBUSY: controllers are enabled for the group's
// children.
Result<void> add_process(int group_fd, int pid);

// Asks for it: the processes stop one after the other, and cgroup.events tells when the last one has.
Result<void> set_frozen(int group_fd, bool frozen);

// SIGKILL to every process of the subtree, frozen or not; those that it clones meanwhile get it too. Returns before they are
// gone.
Result<void> kill(int group_fd);

}  // namespace talos::cgroup
