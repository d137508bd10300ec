#include "cgroup/limits.h"

#include <utility>

#include "sys/cgroup_calls.h"

namespace talos::cgroup {
namespace {

std::string text_of(int64_t value) { return value < 0 ? "max" : std::to_string(value); }

std::string text_of(const IoLimit& limit) {
  return std::to_string(limit.major) + ":" + std::to_string(limit.minor) +  //
         " rbps=" + text_of(limit.read_bytes_per_second) + " wbps=" + text_of(limit.write_bytes_per_second) +
         " riops=" + text_of(limit.read_operations_per_second) + " wiops=" + text_of(limit.write_operations_per_second);
}

}  // namespace

std::vector<ControlWrite> plan_limits(const Limits& limits) {
  std::vector<ControlWrite> writes;
  auto number = [&writes](const char* file, const std::optional<int64_t>& value) {
    if (value) writes.push_back({file, text_of(*value)});
  };
  // An empty write is none at all: the kernel is given the newline.
  auto list = [&writes](const char* file, const std::optional<std::string>& value) {
    if (value) writes.push_back({file, *value + "\n"});
  };
  number("memory.min", limits.memory_min);
  number("memory.low", limits.memory_low);
  number("memory.high", limits.memory_high);
  number("memory.max", limits.memory_max);
  number("memory.swap.max", limits.memory_swap_max);
  number("memory.oom.group", limits.memory_oom_group);
  number("cpu.weight", limits.cpu_weight);
  if (limits.cpu_max_usec) {
    std::string period = limits.cpu_period_usec ? " " + std::to_string(*limits.cpu_period_usec) : "";
    writes.push_back({"cpu.max", text_of(*limits.cpu_max_usec) + period});
  }
  number("pids.max", limits.pids_max);
  number("io.weight", limits.io_weight);
  list("cpuset.cpus", limits.cpuset_cpus);
  list("cpuset.mems", limits.cpuset_mems);
  for (const IoLimit& limit : limits.io_max) writes.push_back({"io.max", text_of(limit)});
  return writes;
}

Result<void> set_limits(int group_fd, const Limits& limits) {
  for (const auto& [file, text] : plan_limits(limits)) {
    if (auto written = sys::write_control(group_fd, file, text); !written) return written;
  }
  return {};
}

}  // namespace talos::cgroup
