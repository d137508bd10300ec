#include "sys/child_calls.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

namespace talos::sys::child {

namespace {

// errno is the calling thread's, which sleeps until the child is gone: the child may use it.
template <typename... Arguments>
int call(long number, Arguments... arguments) {
  return ::syscall(number, arguments...) < 0 ? errno : 0;
}

// rt_sigaction(2) as the kernel knows it; all zero is SIG_DFL.
struct KernelSigaction {
  void* handler;
  unsigned long flags;
  void* restorer;
  uint64_t mask;
};

constexpr int kSignals = 64;
constexpr int kFutexWait = 128;  // FUTEX_WAIT | FUTEX_PRIVATE_FLAG: we share the parent's memory

}  // namespace

int wait_at(BirthGate& gate) {
  // Not a word of errno is read in this loop: the parent runs, too, and has the same one.
  while (gate.state.load(std::memory_order_acquire) == BirthGate::kShut) {
    ::syscall(SYS_futex, &gate.state, kFutexWait, BirthGate::kShut, nullptr, nullptr, 0);
  }
  return gate.state.load(std::memory_order_acquire) == BirthGate::kOpen ? 0 : ECANCELED;
}

int reset_signal_dispositions() {
  const KernelSigaction default_action{};
  for (int number = 1; number <= kSignals; ++number) {
    // SIGKILL and SIGSTOP answer EINVAL, and have only the default one.
    ::syscall(SYS_rt_sigaction, number, &default_action, nullptr, sizeof(uint64_t));
  }
  return 0;
}

int unblock_all_signals() {
  const uint64_t none = 0;
  return call(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, &none, nullptr, sizeof none);
}

int new_session() { return call(SYS_setsid); }

int write_oom_score_adj(int value) {
  char text[16];
  auto [end, error] = std::to_chars(text, text + sizeof text, value);
  long fd = ::syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);
  if (fd < 0) return errno;
  int result = call(SYS_write, fd, text, static_cast<size_t>(end - text));
  ::syscall(SYS_close, fd);
  return result;
}

int set_rlimit(int resource, uint64_t soft, uint64_t hard) {
  const uint64_t limit[2] = {soft, hard};
  return call(SYS_prlimit64, 0, resource, limit, nullptr);
}

int duplicate_above(int fd, int minimum, int& result) {
  long copy = ::syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, minimum);
  if (copy < 0) return errno;
  result = static_cast<int>(copy);
  return 0;
}

int duplicate_to(int fd, int target) { return call(SYS_dup3, fd, target, 0); }

void keep_open(int fd) { call(SYS_fcntl, fd, F_SETFD, 0); }

int close_on_exec_from(int first) { return call(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC); }

int change_directory(const char* path) { return call(SYS_chdir, path); }

int drop_bounding(int capability) { return call(SYS_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0); }

int keep_capabilities() { return call(SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0); }

int set_groups(const uint32_t* groups, size_t count) { return call(SYS_setgroups, count, groups); }

int set_gid(uint32_t gid) { return call(SYS_setresgid, gid, gid, gid); }

int set_uid(uint32_t uid) { return call(SYS_setresuid, uid, uid, uid); }

int set_capabilities(uint64_t mask) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  for (int half = 0; half < 2; ++half) {
    auto bits = static_cast<uint32_t>(mask >> (32 * half));
    data[half] = {bits, bits, bits};
  }
  return call(SYS_capset, &header, data);
}

int raise_ambient(int capability) { return call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0); }

int set_no_new_privileges() { return call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

int set_filter(const BpfInstruction* program, size_t count) {
  // SAFETY: the kernel copies the program and does not write to it.
  sock_fprog request{static_cast<unsigned short>(count), reinterpret_cast<sock_filter*>(const_cast<BpfInstruction*>(program))};
  return call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &request);
}

int execute(const char* file, char* const* argv, char* const* env) { return call(SYS_execve, file, argv, env); }

}  // namespace talos::sys::child
