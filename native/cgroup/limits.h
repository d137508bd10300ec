// What a group may use: which control files are written, and with which text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace talos::cgroup {

// Of one block device; -1: no limit.
struct IoLimit {
  uint32_t major = 0;
  uint32_t minor = 0;
  int64_t read_bytes_per_second = -1;
  int64_t write_bytes_per_second = -1;
  int64_t read_operations_per_second = -1;
  int64_t write_operations_per_second = -1;
};

// Absent: left as it is. -1: "max".
struct Limits {
  std::optional<int64_t> memory_min{};
  std::optional<int64_t> memory_low{};
  std::optional<int64_t> memory_high{};
  std::optional<int64_t> memory_max{};
  std::optional<int64_t> memory_swap_max{};
  // 1: an out-of-memory kill takes all processes of the group.
  std::optional<int64_t> memory_oom_group{};
  std::optional<int64_t> cpu_weight{};
  // Microseconds of CPU time in each period.
  std::optional<int64_t> cpu_max_usec{};
  // Used with cpu_max_usec only; the kernel's default is 100,000.
  std::optional<int64_t> cpu_period_usec{};
  std::optional<int64_t> pids_max{};
  std::optional<int64_t> io_weight{};
  // Lists such as "0-3,8"; empty: as the parent has it.
  std::optional<std::string> cpuset_cpus{};
  std::optional<std::string> cpuset_mems{};
  std::vector<IoLimit> io_max{};
};

struct ControlWrite {
  const char* file;
  std::string text;
};

// Pure. In the order of the struct; one write a device for io.max.
std::vector<ControlWrite> plan_limits(const Limits& limits);

// The first that the kernel refuses ends it, with the control file's name as path. Does not block, but memory.high and memory.max
// reclaim what is above them before they return.
Result<void> set_limits(int group_fd, const Limits& limits);

}  // namespace talos::cgroup
