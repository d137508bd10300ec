#include "cgroup/cgroup.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "sys/cgroup_calls.h"

namespace talos::cgroup {
namespace {

// cpu.stat has some twenty short lines; its first is the one that we want.
constexpr size_t kControlBytes = 4096;

struct Location {
  UniqueFd parent;
  std::string name;
};

// The directory that holds the group, and the group's own name in it.
Result<Location> locate(const std::string& root, const std::string& path) {
  auto root_fd = sys::open_tree_root(root);
  if (!root_fd) return root_fd.error();
  size_t slash = path.rfind('/');
  std::string name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  if (name.empty() || name == "." || name == "..") return Error{EINVAL, "openat2", path, {}, "not the name of a group"};
  if (slash == std::string::npos) return Location{std::move(root_fd).value(), std::move(name)};
  auto parent = sys::open_directory_beneath(root_fd.value().get(), path.substr(0, slash), true);
  if (!parent) return parent.error();
  return Location{std::move(parent).value(), std::move(name)};
}

Result<void> write_limit(int group_fd, const char* file, const std::optional<int64_t>& value) {
  if (!value) return {};
  return sys::write_control(group_fd, file, *value < 0 ? "max" : std::to_string(*value));
}

std::string_view read_text(int group_fd, const char* file, std::span<char> buffer) {
  auto size = sys::read_control(group_fd, file, buffer.data(), buffer.size());
  return size ? std::string_view(buffer.data(), size.value()) : std::string_view{};
}

}  // namespace

Result<UniqueFd> create(const std::string& root, const std::string& path) {
  auto location = locate(root, path);
  if (!location) return location.error();
  int parent_fd = location.value().parent.get();
  auto made = sys::make_directory(parent_fd, location.value().name);
  if (!made) return Error{made.error().errno_value, made.error().syscall, path, {}, {}};
  // Resolved again with the links forbidden: what is there under the name may not be ours.
  auto group = sys::open_directory_beneath(parent_fd, location.value().name, false);
  if (!group) return Error{group.error().errno_value, group.error().syscall, path, {}, {}};
  return group;
}

Result<void> remove(const std::string& root, const std::string& path) {
  auto location = locate(root, path);
  if (!location) return location.error();
  auto removed = sys::remove_directory(location.value().parent.get(), location.value().name);
  if (!removed) return Error{removed.error().errno_value, removed.error().syscall, path, {}, {}};
  return {};
}

Result<void> set_limits(int group_fd, const Limits& limits) {
  const std::pair<const char*, const std::optional<int64_t>&> files[] = {
      {"memory.min", limits.memory_min}, {"memory.low", limits.memory_low}, {"memory.high", limits.memory_high},
      {"memory.max", limits.memory_max}, {"cpu.weight", limits.cpu_weight}, {"pids.max", limits.pids_max},
  };
  for (const auto& [file, value] : files) {
    if (auto written = write_limit(group_fd, file, value); !written) return written;
  }
  return {};
}

Result<std::vector<std::string>> enable_controllers(int group_fd, const std::vector<std::string>& controllers) {
  char buffer[kControlBytes];
  auto size = sys::read_control(group_fd, "cgroup.controllers", buffer, sizeof buffer);
  if (!size) return size.error();
  std::string offered = " " + std::string(buffer, size.value());
  std::replace(offered.begin(), offered.end(), '\n', ' ');

  std::string request;
  std::vector<std::string> missing;
  for (const std::string& name : controllers) {
    if (offered.find(" " + name + " ") == std::string::npos) {
      missing.push_back(name);
    } else {
      request += (request.empty() ? "+" : " +") + name;
    }
  }
  if (!request.empty()) {
    if (auto written = sys::write_control(group_fd, "cgroup.subtree_control", request); !written) return written.error();
  }
  return missing;
}

Result<void> kill(int group_fd) { return sys::write_control(group_fd, "cgroup.kill", "1"); }

std::vector<Stats> read_stats(std::span<const int> group_fds) {
  char buffer[kControlBytes];
  std::vector<Stats> all;
  all.reserve(group_fds.size());
  for (int group_fd : group_fds) {
    all.push_back({
        .cpu_usage_usec = find_keyed_number(read_text(group_fd, "cpu.stat", buffer), "usage_usec"),
        .memory_current_bytes = parse_number(read_text(group_fd, "memory.current", buffer)),
        .pids_current = parse_number(read_text(group_fd, "pids.current", buffer)),
    });
  }
  return all;
}

uint64_t parse_number(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return 0;
  bool is_complete = end == text.data() + text.size() || *end == '\n';
  return is_complete ? value : 0;
}

uint64_t find_keyed_number(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ')
      return parse_number(line.substr(key.size() + 1));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return 0;
}

}  // namespace talos::cgroup
