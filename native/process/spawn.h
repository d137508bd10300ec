// Starting a process the way PID 1 needs it: clone3(2) that shares memory until exec (no page tables are copied, however large
// our heap), born in its cgroup, with a pidfd, and with every failure of the child told by stage and errno.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bpf.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "sys/clone_calls.h"

namespace talos::process {

struct ResourceLimit {
  int resource;  // RLIMIT_*
  uint64_t soft;
  uint64_t hard;
};

// Ids `inside` the user namespace from here on are those `outside` of it from there on.
struct IdRange {
  uint32_t inside;
  uint32_t outside;
  uint32_t count;
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
  uint64_t namespaces = 0;       // CLONE_NEW*
  std::vector<IdRange> uid_map;  // of a new user namespace; both or none
  std::vector<IdRange> gid_map;
  std::vector<BpfInstruction> seccomp;  // empty: none
  int cgroup = -1;                      // directory descriptor; borrowed
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

// Sleeps until the child has exec'ed or failed (about a millisecond). `stack` is the child's for that long. Returns nothing on
// success, with `spawned` filled in. A failed child is a zombie on return, or about to be one; the caller waits for it.
std::optional<SpawnFailure> spawn(const SpawnPlan& plan, const sys::ChildStack& stack, Spawned& spawned);

}  // namespace talos::process
