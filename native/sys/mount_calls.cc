#include "sys/mount_calls.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace talos::sys {
namespace {

// A node that changes its mounts faster than we read them is broken in other ways; the last text read is good enough then.
constexpr int kMaxReads = 5;
constexpr size_t kChunkBytes = 64 * 1024;

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

Result<std::string> read_whole(int fd, const std::string& path) {
  if (::lseek(fd, 0, SEEK_SET) == -1) return last_error("lseek", path);
  std::string text;
  for (;;) {
    size_t used = text.size();
    text.resize(used + kChunkBytes);
    ssize_t count = ::read(fd, text.data() + used, kChunkBytes);
    if (count == -1 && errno == EINTR)
      count = 0;
    else if (count == -1)
      return last_error("read", path);
    else if (count == 0) {
      text.resize(used);
      return text;
    }
    text.resize(used + static_cast<size_t>(count));
  }
}

}  // namespace

Result<void> mount(const std::string& source, const std::string& target, const std::string& fstype, unsigned long flags,
                   const std::string& data) {
  if (::mount(or_null(source), target.c_str(), or_null(fstype), flags, or_null(data)) == -1) {
    return last_error("mount", source, target);
  }
  return {};
}

Result<void> unmount(const std::string& target, int flags) {
  if (::umount2(target.c_str(), flags) == -1) return last_error("umount2", target);
  return {};
}

Result<void> set_mount_attributes(const std::string& target, uint64_t set, uint64_t clear, bool recursive) {
  struct mount_attr attributes = {};
  attributes.attr_set = set;
  attributes.attr_clr = clear;
  unsigned int flags = recursive ? AT_RECURSIVE : 0;
  if (::syscall(SYS_mount_setattr, AT_FDCWD, target.c_str(), flags, &attributes, sizeof attributes) == -1) {
    return last_error("mount_setattr", target);
  }
  return {};
}

Result<std::string> read_mount_table(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return last_error("open", path);
  for (int attempt = 1;; attempt++) {
    auto text = read_whole(fd.get(), path);
    if (!text || attempt == kMaxReads) return text;
    // proc(5): a change of the mount table since the open or the last poll marks the file as an error with urgent data.
    struct pollfd changed = {fd.get(), POLLPRI, 0};
    if (::poll(&changed, 1, 0) <= 0 || (changed.revents & POLLERR) == 0) return text;
  }
}

}  // namespace talos::sys
