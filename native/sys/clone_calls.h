// clone3(2) for a child that shares our memory until it execs (CLONE_VM | CLONE_VFORK) on a stack of its own.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

// A mapping with a guard page below it; unmapped at the end.
class ChildStack {
 public:
  static Result<ChildStack> create();
  ChildStack(ChildStack&& other) noexcept;
  ChildStack& operator=(ChildStack&&) = delete;
  ~ChildStack();

  [[nodiscard]] void* base() const { return base_; }
  [[nodiscard]] size_t size() const;

 private:
  ChildStack(void* mapping, void* base) : mapping_(mapping), base_(base) {}
  void* mapping_;
  void* base_;
};

// Where a child waits while its parent does to it what it cannot do itself.
struct BirthGate {
  static constexpr uint32_t kShut = 0;
  static constexpr uint32_t kOpen = 1;
  static constexpr uint32_t kGivenUp = 2;
  std::atomic<uint32_t> state{kShut};
};

struct CloneRequest {
  uint64_t namespaces = 0;
  int cgroup = -1;  // CLONE_INTO_CGROUP when there is one
};

struct Cloned {
  pid_t pid = -1;
  UniqueFd pidfd;
};

// Runs `entry(argument)` in the child with all signals blocked; its return value becomes the exit code. The calling thread sleeps
// until the child has exec'ed or ended, with its own signals blocked for that long.
Result<Cloned> clone_until_exec(const CloneRequest& request, const ChildStack& stack, int (*entry)(void*), void* argument);

// The same for a child that waits at `gate` first: `prepare(pid)` runs meanwhile, and its result, true for success, is what the
// gate is opened with. The child must use errno only behind the gate, and the parent uses it only in front of it.
Result<Cloned> clone_until_exec(const CloneRequest& request, const ChildStack& stack, int (*entry)(void*), void* argument,
                                BirthGate& gate, const std::function<bool(pid_t)>& prepare);

// Writes /proc/<pid>/<name> ("uid_map", "gid_map") of user_namespaces(7), in the one write that the kernel takes.
Result<void> write_id_map(pid_t pid, const char* name, const std::string& text);

// pidfd_send_signal(2). False when the process is gone.
Result<bool> send_signal(int pidfd, int signal);

}  // namespace talos::sys
