#include "cgroup/stats.h"

#include <algorithm>
#include <limits>

#include "sys/cgroup_calls.h"

namespace talos::cgroup {
namespace {

constexpr std::string_view kCpuKeys[] = {"usage_usec", "user_usec",    "system_usec",
                                         "nr_periods", "nr_throttled", "throttled_usec"};
// In the kernel's order, so that each is found at once.
constexpr std::string_view kMemoryKeys[] = {"anon",
                                            "file",
                                            "kernel",
                                            "shmem",
                                            "inactive_anon",
                                            "active_anon",
                                            "inactive_file",
                                            "active_file",
                                            "slab_reclaimable",
                                            "slab_unreclaimable",
                                            "pgfault",
                                            "pgmajfault"};
constexpr std::string_view kEventKeys[] = {"low", "high", "max", "oom", "oom_kill", "oom_group_kill"};
constexpr std::string_view kIoKeys[] = {"rbytes", "wbytes", "rios", "wios", "dbytes", "dios"};

Malformed parse_cpu(std::string_view text, double* values) { return parse_flat(text, kCpuKeys, values); }
Malformed parse_memory(std::string_view text, double* values) { return parse_flat(text, kMemoryKeys, values); }
Malformed parse_events(std::string_view text, double* values) { return parse_flat(text, kEventKeys, values); }
Malformed parse_io(std::string_view text, double* values) { return parse_nested_sum(text, kIoKeys, values); }

}  // namespace

constexpr std::array<StatSet, kSetCount> kStatSets = {{
    {"cpu.stat", std::size(kCpuKeys), parse_cpu},
    {"memory.current", 1, parse_single},
    {"pids.current", 1, parse_single},
    {"memory.stat", std::size(kMemoryKeys), parse_memory},
    {"memory.events", std::size(kEventKeys), parse_events},
    {"memory.swap.current", 1, parse_single},
    {"io.stat", std::size(kIoKeys), parse_io},
    {"cpu.pressure", kPressureValues, parse_pressure},
    {"memory.pressure", kPressureValues, parse_pressure},
    {"io.pressure", kPressureValues, parse_pressure},
}};

size_t row_size(uint32_t sets) {
  size_t size = 0;
  for (size_t bit = 0; bit < kSetCount; bit++) {
    if ((sets >> bit & 1) != 0) size += kStatSets[bit].values;
  }
  return size;
}

bool is_absence(const Error& error) {
  // ENOENT, ENODEV: no such file, or the group was removed meanwhile. EOPNOTSUPP: a kernel that counts no pressure.
  return error.errno_value == ENOENT || error.errno_value == ENODEV || error.errno_value == EOPNOTSUPP;
}

void fill_absent(const StatSet& set, double* values) {
  std::fill_n(values, set.values, std::numeric_limits<double>::quiet_NaN());
}

Result<std::string_view> ControlReader::read(int fd, const char* file) {
  for (;;) {
    auto size = sys::read_control_at_start(fd, file, buffer_.data(), buffer_.size());
    if (!size) return size.error();
    if (size.value() < buffer_.size()) return std::string_view(buffer_.data(), size.value());
    if (buffer_.size() >= kMaxSize) return Error{EMSGSIZE, "pread", file, {}, "longer than 1 MiB"};
    buffer_.resize(buffer_.size() * 2);
  }
}

Result<void> read_set(ControlReader& reader, int fd, const StatSet& set, double* values) {
  auto text = reader.read(fd, set.file);
  if (!text) {
    if (!is_absence(text.error())) return text.error();
    fill_absent(set, values);
    return {};
  }
  if (auto malformed = set.parse(text.value(), values)) {
    return Error{EBADMSG, "pread", set.file, {}, "unexpected text at byte " + std::to_string(*malformed)};
  }
  return {};
}

Result<void> read_stats(std::span<const int> group_fds, uint32_t sets, double* rows) {
  ControlReader reader;
  for (int group_fd : group_fds) {
    for (size_t bit = 0; bit < kSetCount; bit++) {
      if ((sets >> bit & 1) == 0) continue;
      const StatSet& set = kStatSets[bit];
      auto file = sys::open_control(group_fd, set.file, sys::ControlAccess::kRead);
      if (file) {
        if (auto read = read_set(reader, file.value().get(), set, rows); !read) return read;
      } else if (is_absence(file.error())) {
        fill_absent(set, rows);
      } else {
        return file.error();
      }
      rows += set.values;
    }
  }
  return {};
}

}  // namespace talos::cgroup
