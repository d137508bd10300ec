#include "sys/wait_calls.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>

namespace talos::sys {

bool wait_any(ExitStatus& status) {
  siginfo_t info{};
  while (::waitid(P_ALL, 0, &info, WEXITED) != 0) {
    if (errno != EINTR) return false;
  }
  status = {info.si_pid, info.si_code != CLD_EXITED, info.si_status, info.si_code == CLD_DUMPED};
  return true;
}

bool wait_pidfd(int pidfd) {
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

Result<void> set_child_subreaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return last_error("prctl");
  return {};
}

}  // namespace talos::sys
