#include "sys/clone_calls.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "sys/clone3.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

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

namespace {

clone_args arguments_of(const CloneRequest& request, const ChildStack& stack, int& pidfd) {
#ifdef __SANITIZE_ADDRESS__
  // It remembers the frames of the last child on this stack, which left them by exec and not by returning.
  __asan_unpoison_memory_region(stack.base(), stack.size());
#endif
  clone_args arguments{};
  arguments.flags = CLONE_VM | CLONE_PIDFD | request.namespaces;
  arguments.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  arguments.stack = reinterpret_cast<uint64_t>(stack.base());
  arguments.stack_size = stack.size();
  if (request.cgroup != -1) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<uint64_t>(request.cgroup);
  }
  return arguments;
}

// A handler of ours must not run in the child: it would run on our data. Raw, because glibc keeps two signals out of its sets.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    const uint64_t all = ~uint64_t{0};
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before_, sizeof all);
  }
  ~SignalsBlocked() { ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, sizeof before_); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  uint64_t before_ = 0;
};

Result<Cloned> outcome(long result, int pidfd) {
  if (result < 0) return Error{static_cast<int>(-result), "clone3", {}, {}, {}};
  return Cloned{static_cast<pid_t>(result), UniqueFd(pidfd)};
}

}  // namespace

Result<Cloned> clone_until_exec(const CloneRequest& request, const ChildStack& stack, int (*entry)(void*), void* argument) {
  int pidfd = -1;
  clone_args arguments = arguments_of(request, stack, pidfd);
  arguments.flags |= CLONE_VFORK;
  SignalsBlocked blocked;
  long result = talos_clone3_and_call(&arguments, entry, argument);
  return outcome(result, pidfd);
}

Result<Cloned> clone_until_exec(const CloneRequest& request, const ChildStack& stack, int (*entry)(void*), void* argument,
                                BirthGate& gate, const std::function<bool(pid_t)>& prepare) {
  int pidfd = -1;
  // The kernel clears it, and wakes us, when the child leaves our memory: by exec or by its end. What CLONE_VFORK would wait for.
  std::atomic<uint32_t> in_our_memory{1};
  clone_args arguments = arguments_of(request, stack, pidfd);
  arguments.flags |= CLONE_CHILD_CLEARTID;
  arguments.child_tid = reinterpret_cast<uint64_t>(&in_our_memory);
  SignalsBlocked blocked;
  long result = talos_clone3_and_call(&arguments, entry, argument);
  if (result < 0) return outcome(result, pidfd);
  gate.state.store(prepare(static_cast<pid_t>(result)) ? BirthGate::kOpen : BirthGate::kGivenUp, std::memory_order_release);
  ::syscall(SYS_futex, &gate.state, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, nullptr, nullptr, 0);
  while (in_our_memory.load(std::memory_order_acquire) != 0) {
    // Not a private one: the kernel wakes the other kind.
    ::syscall(SYS_futex, &in_our_memory, FUTEX_WAIT, 1, nullptr, nullptr, 0);
  }
  return outcome(result, pidfd);
}

Result<void> write_id_map(pid_t pid, const char* name, const std::string& text) {
  std::string path = "/proc/" + std::to_string(pid) + "/" + name;
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return last_error("open", std::move(path));
  if (::write(file.get(), text.data(), text.size()) < 0) return last_error("write", std::move(path));
  return {};
}

Result<bool> send_signal(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0) return true;
  if (errno == ESRCH) return false;
  return last_error("pidfd_send_signal");
}

}  // namespace talos::sys
