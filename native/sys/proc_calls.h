// Reading /proc.
#pragma once

#include <sys/types.h>

#include <span>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

Result<UniqueFd> open_proc();

// The processes of an open /proc, in its order, at most `limit` of them. Does not block.
Result<std::vector<pid_t>> list_processes(int proc_fd, size_t limit);

// What of a file beneath `folder_fd` fits into `buffer`: how much that was. ENOENT and ESRCH: the process is gone.
Result<size_t> read_beneath(int folder_fd, const char* path, std::span<char> buffer);

// readlinkat(2); what does not fit is cut off.
Result<size_t> read_link_beneath(int folder_fd, const char* path, std::span<char> buffer);

uint64_t ticks_a_second();

}  // namespace talos::sys
