// clone3(2) for a child that shares our memory until it execs (CLONE_VM | CLONE_VFORK) on a stack of its own.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

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

// pidfd_send_signal(2). False when the process is gone.
Result<bool> send_signal(int pidfd, int signal);

}  // namespace talos::sys
