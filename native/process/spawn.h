// Starting a process the way PID 1 needs it: clone3(2) that shares memory until exec (no page tables are copied, however large
// our heap), born in its cgroup, with a pidfd, and with every failure of the child told by stage and errno.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::process {

struct ResourceLimit {
  int resource;  // RLIMIT_*
  uint64_t soft;
  uint64_t hard;
};

struct SpawnPlan {
  static constexpr int kInherit = -1;  // in `stdio`: the same number of ours

  std::string file;
  std::vector<std::string> argv;
  std::vector<std::string> env;
  std::string cwd;  // empty: ours
  std::optional<uint32_t> uid;
  std::optional<uint32_t> gid;
  std::vector<uint32_t> groups;
  std::optional<uint64_t> capabilities;  // mask of what is kept in every set
  bool no_new_privileges = false;
  bool session = false;
  uint64_t namespaces = 0;  // CLONE_NEW*
  int cgroup = -1;          // directory descriptor; borrowed
  std::vector<ResourceLimit> rlimits;
  std::optional<int> oom_score_adj;
  std::array<int, 3> stdio{kInherit, kInherit, kInherit};  // borrowed
  std::vector<int> descriptors;                            // become 3, 4, …; borrowed
};

struct Spawned {
  pid_t pid = -1;
  UniqueFd pidfd;
};

// The pid of a child that failed before exec, for whoever has to collect it.
struct SpawnFailure {
  Error error;
  Spawned child;  // pid -1: there never was one
};

// Sleeps until the child has exec'ed or failed (about a millisecond). Returns nothing on success, with `spawned` filled in. A
// failed child is a zombie on return, or about to be one; the caller waits for it.
std::optional<SpawnFailure> spawn(const SpawnPlan& plan, Spawned& spawned);

}  // namespace talos::process
