#include "sys/file_calls.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <cstdio>

namespace talos::sys {

Result<UniqueFd> open_folder(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return last_error("open", path);
  return fd;
}

Result<UniqueFd> open_beneath(int root_fd, const std::string& path, uint64_t flags, uint64_t mode) {
  struct open_how how = {};
  // openat2 is strict: what O_PATH would ignore is EINVAL.
  how.flags = flags | O_CLOEXEC | ((flags & O_PATH) != 0 ? 0 : O_NOCTTY);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (;;) {
    UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, root_fd, path.c_str(), &how, sizeof how)));
    if (fd) return fd;
    if (errno != EINTR) return last_error("openat2", path);
  }
}

Result<struct stat> file_status(int fd, const std::string& path) {
  struct stat status;
  if (::fstat(fd, &status) == -1) return last_error("fstat", path);
  return status;
}

Result<struct stat> entry_status(int folder_fd, const std::string& name) {
  struct stat status;
  if (::fstatat(folder_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == -1)
    return last_error("fstatat", name);
  return status;
}

Result<std::string> read_link_at(int fd, const std::string& name, const std::string& path) {
  std::string target(PATH_MAX, '\0');
  ssize_t length = ::readlinkat(fd, name.c_str(), target.data(), target.size());
  if (length == -1) return last_error("readlink", path);
  target.resize(static_cast<size_t>(length));
  return target;
}

Result<bool> make_folder(int parent_fd, const std::string& name, mode_t mode) {
  if (::mkdirat(parent_fd, name.c_str(), mode) == 0) return true;
  if (errno == EEXIST) return false;
  return last_error("mkdir", name);
}

Result<void> remove_entry(int parent_fd, const std::string& name, bool is_folder) {
  if (::unlinkat(parent_fd, name.c_str(), is_folder ? AT_REMOVEDIR : 0) == -1) {
    return last_error(is_folder ? "rmdir" : "unlink", name);
  }
  return {};
}

Result<void> rename_entry(int from_fd, const std::string& from, int to_fd, const std::string& to, bool replace) {
  if (::renameat2(from_fd, from.c_str(), to_fd, to.c_str(), replace ? 0 : RENAME_NOREPLACE) == -1) {
    return last_error("renameat2", from, to);
  }
  return {};
}

Result<size_t> read_entries(int fd, char* buffer, size_t size, const std::string& path) {
  for (;;) {
    ssize_t count = ::getdents64(fd, buffer, size);
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EINTR) return last_error("getdents64", path);
  }
}

Result<size_t> read_at(int fd, char* buffer, size_t size, uint64_t position, const std::string& path) {
  size_t used = 0;
  while (used < size) {
    ssize_t count = ::pread(fd, buffer + used, size - used, static_cast<off_t>(position + used));
    if (count == 0) break;
    if (count > 0) {
      used += static_cast<size_t>(count);
    } else if (errno != EINTR) {
      return last_error("pread", path);
    }
  }
  return used;
}

Result<void> write_all(int fd, const char* data, size_t size, const std::string& path) {
  while (size > 0) {
    ssize_t count = ::write(fd, data, size);
    if (count >= 0) {
      data += count;
      size -= static_cast<size_t>(count);
    } else if (errno != EINTR) {
      return last_error("write", path);
    }
  }
  return {};
}

Result<void> set_mode(int fd, mode_t mode, const std::string& path) {
  if (::fchmod(fd, mode) == -1) return last_error("fchmod", path);
  return {};
}

Result<void> flush_file(int fd, const std::string& path) {
  int done;
  do {
    done = ::fsync(fd);
  } while (done == -1 && errno == EINTR);
  if (done == -1) return last_error("fsync", path);
  return {};
}

Result<void> set_blocking(int fd, const std::string& path) {
  int flags = ::fcntl(fd, F_GETFL);
  if (flags == -1 || ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == -1) return last_error("fcntl", path);
  return {};
}

}  // namespace talos::sys
