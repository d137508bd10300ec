// Statistics of groups: which sets of values there are, and their layout as rows of doubles.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cgroup/control_text.h"

namespace talos::cgroup {

// Sets of values, by bit; each is one control file. A row has the values of the sets that were asked for, in the order of the
// bits:
//
// | bit | control file    | values                                                                                        |
// |-----|-----------------|-----------------------------------------------------------------------------------------------|
// | 0   | cpu.stat        | usage, user, system (µs), periods, throttled periods, throttled µs                            |
// | 1   | memory.current  | bytes                                                                                         |
// | 2   | pids.current    | processes and threads                                                                         |
// | 3   | memory.stat     | bytes: anon, file, kernel, shmem, inactive_anon, active_anon, inactive_file, active_file,     |
// |     |                 | slab_reclaimable, slab_unreclaimable; counts: pgfault, pgmajfault                             |
// | 4   | memory.events   | counts: low, high, max, oom, oom_kill, oom_group_kill                                         |
// | 5   | memory.swap.current | bytes                                                                                     |
// | 6   | io.stat         | of all devices: rbytes, wbytes, rios, wios, dbytes, dios                                      |
// | 7   | cpu.pressure    | some avg10, avg60, avg300 (per cent), total (µs); full the same                               |
// | 8   | memory.pressure | the same                                                                                      |
// | 9   | io.pressure     | the same                                                                                      |
//
// A set whose file is not there (no such controller, the group is gone, PSI is off) is NaN as a whole.
inline constexpr size_t kSetCount = 10;
inline constexpr uint32_t kAllSets = (1u << kSetCount) - 1;

struct StatSet {
  const char* file;
  size_t values;
  Malformed (*parse)(std::string_view text, double* values);
};

extern const std::array<StatSet, kSetCount> kStatSets;

// Doubles in a row.
size_t row_size(uint32_t sets);

// One row a group into `rows`, which has room for them: opens, reads and closes each file. Blocks on no device. EMFILE, ENOMEM,
// EBADMSG with the control file as path; the first failure ends it.
Result<void> read_stats(std::span<const int> group_fds, uint32_t sets, double* rows);

// Reads whole control files into one buffer that grows to what they need.
class ControlReader {
 public:
  ControlReader() : buffer_(kFirstSize) {}

  // From the start of an open control file. ENODEV: its group is gone.
  Result<std::string_view> read(int fd, const char* file);

 private:
  // Every file but io.stat of a machine with many disks.
  static constexpr size_t kFirstSize = 8192;
  static constexpr size_t kMaxSize = 1 << 20;
  std::vector<char> buffer_;
};

// Reads one set from its open file; NaN when the file tells that it has nothing to tell.
Result<void> read_set(ControlReader& reader, int fd, const StatSet& set, double* values);

// Whether the error says that there is nothing to read, rather than that reading failed.
bool is_absence(const Error& error);

void fill_absent(const StatSet& set, double* values);

}  // namespace talos::cgroup
