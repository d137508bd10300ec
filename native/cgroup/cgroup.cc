#include "cgroup/cgroup.h"

#include <algorithm>
#include <utility>

#include "sys/cgroup_calls.h"

namespace talos::cgroup {
namespace {

// The names of all controllers that there are, several times over.
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

Result<void> add_process(int group_fd, int pid) { return sys::write_control(group_fd, "cgroup.procs", std::to_string(pid)); }

Result<void> set_frozen(int group_fd, bool frozen) { return sys::write_control(group_fd, "cgroup.freeze", frozen ? "1" : "0"); }

Result<void> kill(int group_fd) { return sys::write_control(group_fd, "cgroup.kill", "1"); }

}  // namespace talos::cgroup
