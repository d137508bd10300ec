// seccomp(2).
#pragma once

#include <span>

#include "base/bpf.h"
#include "base/result.h"

namespace talos::sys {

// Sets PR_SET_NO_NEW_PRIVS and installs the filter for every thread of this process (SECCOMP_FILTER_FLAG_TSYNC); neither can be
// taken back. ESRCH: a thread has a filter of its own. EACCES never, since privileges cannot be gained any more. Does not block.
Result<void> install_filter_everywhere(std::span<const BpfInstruction> program);

}  // namespace talos::sys
