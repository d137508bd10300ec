// waitid(2) and what belongs to it.
#pragma once

#include <sys/types.h>

#include "base/result.h"

namespace talos::sys {

struct ExitStatus {
  pid_t pid = -1;
  bool signaled = false;
  int value = 0;  // exit code, or signal number
  bool core_dumped = false;
};

// Sleeps until any child has ended, and leaves it as it is. False: there are no children (ECHILD). EINTR is waited out.
bool wait_for_any();
// Reaps a child that has ended. False: there is none. Does not sleep.
bool reap_any(ExitStatus& status);
// Sleeps until the child of this pidfd has ended and reaps it.
void wait_pidfd(int pidfd);
// PR_SET_CHILD_SUBREAPER.
Result<void> set_child_subreaper();

}  // namespace talos::sys
