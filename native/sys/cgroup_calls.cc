#include "sys/cgroup_calls.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/file_calls.h"

namespace talos::sys {

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

Result<void> write_control(int directory_fd, const char* name, std::string_view text) {
  UniqueFd fd(::openat(directory_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return last_error("open", name);
  // Control files take a value in one write or not at all; a signal before it started is the one thing to retry.
  ssize_t count;
  do {
    count = ::write(fd.get(), text.data(), text.size());
  } while (count == -1 && errno == EINTR);
  if (count == -1) return last_error("write", name);
  return {};
}

Result<size_t> read_control(int directory_fd, const char* name, char* buffer, size_t size) {
  UniqueFd fd(::openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return last_error("open", name);
  ssize_t count;
  do {
    count = ::read(fd.get(), buffer, size);
  } while (count == -1 && errno == EINTR);
  if (count == -1) return last_error("read", name);
  return static_cast<size_t>(count);
}

}  // namespace talos::sys
