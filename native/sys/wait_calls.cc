#include "sys/wait_calls.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>

namespace talos::sys {

namespace {

// False: there is no such child.
bool wait_restarting(idtype_t type, id_t id, siginfo_t& info, int options) {
  while (::waitid(type, id, &info, options) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

}  // namespace

bool wait_for_any() {
  siginfo_t info{};
  return wait_restarting(P_ALL, 0, info, WEXITED | WNOWAIT);
}

bool reap_any(ExitStatus& status) {
  siginfo_t info{};
  if (!wait_restarting(P_ALL, 0, info, WEXITED | WNOHANG) || info.si_pid == 0) return false;
  status = {info.si_pid, info.si_code != CLD_EXITED, info.si_status, info.si_code == CLD_DUMPED};
  return true;
}

void wait_pidfd(int pidfd) {
  siginfo_t info{};
  wait_restarting(P_PIDFD, static_cast<id_t>(pidfd), info, WEXITED);
}

Result<void> set_child_subreaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return last_error("prctl");
  return {};
}

}  // namespace talos::sys
