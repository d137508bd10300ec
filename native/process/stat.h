// /proc/<pid>/stat. Pure. Source: proc_pid_stat(5).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace talos::process {

struct ProcessStat {
  int32_t pid = 0;
  int32_t parent_pid = 0;
  char state = '?';
  uint32_t flags = 0;  // PF_* of the kernel
  uint64_t user_ticks = 0;
  uint64_t system_ticks = 0;
  uint64_t threads = 0;
  uint64_t start_ticks = 0;  // since boot
  uint64_t virtual_bytes = 0;
  uint64_t resident_pages = 0;
  std::string_view command;  // into the text; may hold anything: parentheses, spaces, newlines

  [[nodiscard]] bool is_kernel_thread() const { return (flags & 0x0020'0000) != 0; }  // PF_KTHREAD
};

// EBADMSG, with the offset in `detail`, when the text is not of that form or is cut off before the last of these fields.
Result<ProcessStat> parse_stat(std::string_view text);

}  // namespace talos::process
