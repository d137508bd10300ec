#include "files/walk.h"

#include <fcntl.h>

#include "sys/file_calls.h"

namespace talos::files {
namespace {

// A walk over `..` that meets a rename is EAGAIN. Somebody who renames without end must not keep a thread busy without end.
constexpr int kMaxWalks = 128;

Error explain(Error error) {
  switch (error.errno_value) {
    case EXDEV:
      error.detail = "the path leads out of its folder";
      break;
    case ELOOP:
      error.detail = "a link is in the path, and links are not followed here";
      break;
    case EAGAIN:
      error.detail = "folders were renamed while they were walked";
      break;
    case ENOSYS:
      error.detail = "openat2 needs Linux 5.6";
      break;
    default:
      break;
  }
  return error;
}

}  // namespace

Result<UniqueFd> walk(int root_fd, const std::string& path, uint64_t flags, uint64_t mode) {
  if (path.find('\0') != std::string::npos) return Error{EINVAL, "openat2", path, {}, "a null byte is in the path"};
  for (int tries = 1;; tries++) {
    auto fd = sys::open_beneath(root_fd, path, flags, mode);
    if (fd) return fd;
    if (fd.error().errno_value != EAGAIN || tries == kMaxWalks) return explain(std::move(fd.error()));
  }
}

Result<SplitPath> split_path(const std::string& path) {
  size_t slash = path.rfind('/');
  SplitPath split;
  split.name = slash == std::string::npos ? path : path.substr(slash + 1);
  // "/x" lies in "/", and the kernel is the one to say that this leads out of the folder.
  split.parent = slash == std::string::npos ? "." : path.substr(0, slash == 0 ? 1 : slash);
  if (split.name.empty() || split.name == "." || split.name == ".." || path.find('\0') != std::string::npos) {
    return Error{EINVAL, "openat2", path, {}, "the last part of the path is no name"};
  }
  return split;
}

Result<Place> find_place(int root_fd, const std::string& path, bool for_flush) {
  auto split = split_path(path);
  if (!split) return std::move(split.error());
  auto parent = walk(root_fd, split.value().parent, O_DIRECTORY | (for_flush ? O_RDONLY : O_PATH));
  if (!parent) {
    parent.error().path = path;
    return std::move(parent.error());
  }
  return Place{std::move(parent).value(), std::move(split.value().name)};
}

}  // namespace talos::files
