// The process table: every process that /proc shows, zombies and kernel threads included, in one go and one batch.
//
// Two kinds of reading. `stat` never sleeps. The command line may: it is read under the memory lock of the other process, and one
// that hangs with this lock in its hand makes everybody hang who asks for it (which is how ps gets stuck). So the details are
// read by a thread of their own and waited for until a deadline; after it the rest of the table comes without them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace talos::process {

struct TableOptions {
  bool cgroups = false;
  uint32_t command_line_bytes = 4096;  // of each process; 0: neither command lines nor executables
  std::chrono::milliseconds deadline{2000};
};

// One row of kColumns numbers a process, in the order of `Column`.
enum Column : size_t {
  kPid,
  kParentPid,
  kState,  // a letter
  kThreads,
  kCpuMs,
  kStartMs,  // since boot
  kVirtualBytes,
  kResidentBytes,
  kFlags,
  // Lengths in `text`, where they follow each other, process after process.
  kCommandBytes,
  kExecutableBytes,
  kCommandLineBytes,
  kCgroupBytes,
  kColumns,
};

enum Flag : uint32_t {
  kIsKernelThread = 1,
  kIsCommandLineCut = 2,  // there is more of it
  kHasNoDetails = 4,      // they could not be read, or not in time
  kIsUnreadable = 8,      // nothing but its pid is known
};

struct Table {
  std::vector<double> rows;
  std::string text;
  bool is_complete = true;  // false: the deadline passed, or there were more processes or text than we take

  [[nodiscard]] size_t count() const { return rows.size() / kColumns; }
};

// Bounds of what a table takes, whatever the machine runs.
constexpr size_t kMaxProcesses = 1 << 18;
constexpr size_t kMaxTextBytes = 32 << 20;

// Blocks for 25 to 40 µs a process, and for `deadline` at the worst: for a pool thread. A process that ends meanwhile is left
// out.
Result<Table> read_table(const TableOptions& options);

}  // namespace talos::process
