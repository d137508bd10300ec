// PID 1's control group, entered before PID 1 is executed.
#pragma once

namespace talos::stage0 {

// Makes the group `init` of cgroup v2 at /sys/fs/cgroup (lib/os/cgroup-tree.ts lays out the rest) and moves this process there.
// Memory belongs to the group of whoever touches it first and does not move with a process (cgroup-v2.rst, "Memory Ownership"):
// pages of the executable, which is the one of all our services, would be the root's, which nothing protects from reclaim.
// A kernel that refuses is reported: PID 1 finds the same, and says what it means.
void enter_init_group() noexcept;

}  // namespace talos::stage0
