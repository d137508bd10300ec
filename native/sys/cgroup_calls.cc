#include "sys/cgroup_calls.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/file_calls.h"

namespace talos::sys {
namespace {
// The kernel's own default for the most that any process may have (fs.nr_open).
constexpr size_t kMostDescriptors = 1 << 20;
}  // namespace

Result<UniqueFd> open_tree_root(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return last_error("open", path);
  return fd;
}

Result<UniqueFd> open_directory_beneath(int root_fd, const std::string& path, bool path_only) {
  return open_beneath(root_fd, path, O_DIRECTORY | (path_only ? O_PATH : O_RDONLY));
}

Result<bool> make_directory(int parent_fd, const std::string& name) {
  if (::mkdirat(parent_fd, name.c_str(), 0755) == 0) return true;
  if (errno == EEXIST) return false;
  return last_error("mkdir", name);
}

Result<void> remove_directory(int parent_fd, const std::string& name) {
  if (::unlinkat(parent_fd, name.c_str(), AT_REMOVEDIR) == -1) return last_error("rmdir", name);
  return {};
}

Result<UniqueFd> open_control(int directory_fd, const char* name, ControlAccess access) {
  int mode = access == ControlAccess::kRead ? O_RDONLY : O_RDWR;
  UniqueFd fd(::openat(directory_fd, name, mode | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return last_error("open", name);
  return fd;
}

Result<void> write_open_control(int fd, const char* name, std::string_view text) {
  // Control files take a value in one write or not at all; a signal before it started is the one thing to retry.
  ssize_t count;
  do {
    count = ::write(fd, text.data(), text.size());
  } while (count == -1 && errno == EINTR);
  if (count == -1) return last_error("write", name);
  return {};
}

Result<size_t> read_control_at_start(int fd, const char* name, char* buffer, size_t size) {
  ssize_t count;
  do {
    count = ::pread(fd, buffer, size, 0);
  } while (count == -1 && errno == EINTR);
  if (count == -1) return last_error("pread", name);
  return static_cast<size_t>(count);
}

Result<void> write_control(int directory_fd, const char* name, std::string_view text) {
  UniqueFd fd(::openat(directory_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return last_error("open", name);
  return write_open_control(fd.get(), name, text);
}

Result<size_t> read_control(int directory_fd, const char* name, char* buffer, size_t size) {
  auto fd = open_control(directory_fd, name, ControlAccess::kRead);
  if (!fd) return fd.error();
  return read_control_at_start(fd.value().get(), name, buffer, size);
}

size_t descriptor_limit() {
  struct rlimit limit = {};
  // It fails for wrong arguments only.
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > kMostDescriptors) return kMostDescriptors;
  return static_cast<size_t>(limit.rlim_cur);
}

}  // namespace talos::sys
