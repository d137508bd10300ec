// Groups of cgroup v2, named by a path relative to the root of the tree and resolved strictly beneath it.
// Source: Documentation/admin-guide/cgroup-v2.rst of the kernel.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::cgroup {

// Absent: left as it is. -1: "max".
struct Limits {
  std::optional<int64_t> memory_min{};
  std::optional<int64_t> memory_low{};
  std::optional<int64_t> memory_high{};
  std::optional<int64_t> memory_max{};
  std::optional<int64_t> cpu_weight{};
  std::optional<int64_t> pids_max{};
};

struct Stats {
  uint64_t cpu_usage_usec = 0;
  uint64_t memory_current_bytes = 0;
  uint64_t pids_current = 0;
};

// Makes the group if it is missing (not its parents) and opens it. None of these calls blocks on a device.
Result<UniqueFd> create(const std::string& root, const std::string& path);
Result<void> remove(const std::string& root, const std::string& path);

// In the order of the struct; the first that the kernel refuses ends it, with the control file's name as path.
Result<void> set_limits(int group_fd, const Limits& limits);

// Enables for the children of the group those of `controllers` that cgroup.controllers offers, in one write; returns the others.
Result<std::vector<std::string>> enable_controllers(int group_fd, const std::vector<std::string>& controllers);

Result<void> kill(int group_fd);

// One entry a group. What cannot be read (no such controller, the group is gone) is 0.
std::vector<Stats> read_stats(std::span<const int> group_fds);

// The number behind `key` in the flat-keyed text of a control file (cpu.stat); 0 when it is missing or no number. Pure.
uint64_t find_keyed_number(std::string_view text, std::string_view key);

// A single-value file such as memory.current; 0 for "max" and anything else that is no number. Pure.
uint64_t parse_number(std::string_view text);

}  // namespace talos::cgroup
