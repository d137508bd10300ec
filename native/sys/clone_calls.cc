#include "sys/clone_calls.h"

#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "sys/clone3.h"

namespace talos::sys {

namespace {

constexpr size_t kStackBytes = 64 * 1024;
constexpr size_t kGuardBytes = 64 * 1024;  // a whole page on every architecture

}  // namespace

Result<ChildStack> ChildStack::create() {
  void* mapping = ::mmap(nullptr, kGuardBytes + kStackBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (mapping == MAP_FAILED) return last_error("mmap");
  void* base = static_cast<char*>(mapping) + kGuardBytes;
  ChildStack stack(mapping, base);
  if (::mprotect(base, kStackBytes, PROT_READ | PROT_WRITE) != 0) return last_error("mprotect");
  return stack;
}

ChildStack::ChildStack(ChildStack&& other) noexcept : mapping_(other.mapping_), base_(other.base_) { other.mapping_ = nullptr; }

ChildStack::~ChildStack() {
  if (mapping_ != nullptr) ::munmap(mapping_, kGuardBytes + kStackBytes);
}

size_t ChildStack::size() const { return kStackBytes; }

Result<Cloned> clone_until_exec(const CloneRequest& request, const ChildStack& stack, int (*entry)(void*), void* argument) {
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | request.namespaces;
  arguments.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  arguments.stack = reinterpret_cast<uint64_t>(stack.base());
  arguments.stack_size = stack.size();
  if (request.cgroup != -1) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<uint64_t>(request.cgroup);
  }

  // A handler of ours must not run in the child: it would run on our data. Raw, because glibc keeps two signals out of its sets.
  uint64_t all = ~uint64_t{0};
  uint64_t before = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
  long result = talos_clone3_and_call(&arguments, entry, argument);
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, nullptr, sizeof before);

  if (result < 0) return Error{static_cast<int>(-result), "clone3", {}, {}, {}};
  return Cloned{static_cast<pid_t>(result), UniqueFd(pidfd)};
}

Result<bool> send_signal(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0) return true;
  if (errno == ESRCH) return false;
  return last_error("pidfd_send_signal");
}

}  // namespace talos::sys
