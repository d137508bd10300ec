#include "sys/seccomp_calls.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

namespace talos::sys {

static_assert(sizeof(sock_filter) == sizeof(BpfInstruction) && offsetof(sock_filter, jt) == offsetof(BpfInstruction, jump_true) &&
              offsetof(sock_filter, jf) == offsetof(BpfInstruction, jump_false) &&
              offsetof(sock_filter, k) == offsetof(BpfInstruction, value));

Result<void> install_filter_everywhere(std::span<const BpfInstruction> program) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return last_error("prctl");
  // SAFETY: the kernel copies the program and does not write to it.
  sock_fprog request{static_cast<unsigned short>(program.size()),
                     reinterpret_cast<sock_filter*>(const_cast<BpfInstruction*>(program.data()))};
  // Without TSYNC_ESRCH a thread that cannot follow would be told by its id, as a success.
  constexpr unsigned long kFlags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kFlags, &request) != 0) return last_error("seccomp");
  return {};
}

}  // namespace talos::sys
