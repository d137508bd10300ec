#include "sys/mount_calls.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "base/unique_fd.h"

namespace talos::sys {
namespace {

// A node that changes its mounts faster than we read them is broken in other ways; the last text read is good enough then.
constexpr int kMaxReads = 5;
constexpr size_t kFirstBytes = 64 * 1024;
constexpr size_t kChunkBytes = 8 * 1024;

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

// The kernel hands the table out in pieces of a page: they are read behind one another into one buffer, which grows seldom.
Result<std::string> read_whole(int fd, const std::string& path) {
  std::string text;
  if (::lseek(fd, 0, SEEK_SET) == -1) return last_error("lseek", path);
  size_t used = 0;
  for (;;) {
    if (text.size() - used < kChunkBytes) text.resize(std::max(text.size() * 2, kFirstBytes));
    ssize_t count = ::read(fd, text.data() + used, text.size() - used);
    if (count > 0) {
      used += static_cast<size_t>(count);
    } else if (count == 0) {
      text.resize(used);
      return text;
    } else if (errno != EINTR) {
      return last_error("read", path);
    }
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
