// Opening: folders, and regular files without surprises.
#include <fcntl.h>

#include "files/files.h"
#include "files/walk.h"
#include "sys/file_calls.h"

namespace talos::files {
namespace {

// Something that is there when it is to be made and gone when it is to be opened, again and again, is somebody's game.
constexpr int kMaxTurns = 16;

uint64_t access_flags(const OpenRequest& request) {
  switch (request.access) {
    case Access::kReadWrite:
      return O_RDWR;
    case Access::kWrite:
      return O_WRONLY;
    case Access::kAppend:
      return O_WRONLY | O_APPEND;
    case Access::kRead:
      break;
  }
  return O_RDONLY;
}

const char* describe(FileKind kind) {
  switch (kind) {
    case FileKind::kDirectory:
      return "it is a folder";
    case FileKind::kLink:
      return "it is a link, and links are not followed here";
    case FileKind::kFifo:
      return "it is a FIFO and not a regular file";
    case FileKind::kSocket:
      return "it is a socket and not a regular file";
    case FileKind::kCharacterDevice:
    case FileKind::kBlockDevice:
      return "it is a device and not a regular file";
    default:
      return "it is not a regular file";
  }
}

Result<void> check_regular(int fd, const std::string& path) {
  auto status = sys::file_status(fd, path);
  if (!status) return std::move(status.error());
  FileKind kind = kind_of_mode(status.value().st_mode);
  if (kind == FileKind::kFile) return {};
  int errno_value = kind == FileKind::kDirectory ? EISDIR : kind == FileKind::kLink ? ELOOP : EINVAL;
  return Error{errno_value, "openat2", path, {}, describe(kind)};
}

Result<UniqueFd> open_existing(int root_fd, const OpenRequest& request) {
  {
    auto seen = walk(root_fd, request.path, O_PATH | O_NOFOLLOW);
    if (!seen) return std::move(seen.error());
    if (auto regular = check_regular(seen.value().get(), request.path); !regular) return std::move(regular.error());
  }
  // It may be another file by now: without O_NONBLOCK a FIFO would hold us here.
  uint64_t flags = access_flags(request) | O_NOFOLLOW | O_NONBLOCK | (request.truncate ? O_TRUNC : 0);
  auto fd = walk(root_fd, request.path, flags);
  if (!fd) return fd;
  if (auto regular = check_regular(fd.value().get(), request.path); !regular) return std::move(regular.error());
  if (auto blocking = sys::set_blocking(fd.value().get(), request.path); !blocking) return std::move(blocking.error());
  return fd;
}

}  // namespace

Result<UniqueFd> open_root(const std::string& path) { return sys::open_folder(path); }

Result<UniqueFd> open_folder(int root_fd, const std::string& path) { return walk(root_fd, path, O_PATH | O_DIRECTORY); }

Result<UniqueFd> open_file(int root_fd, const OpenRequest& request) {
  if (request.creation == Creation::kNever) return open_existing(root_fd, request);
  for (int turn = 1;; turn++) {
    // O_EXCL: what is opened is what was made, and nothing that somebody put there.
    auto made = walk(root_fd, request.path, access_flags(request) | O_CREAT | O_EXCL, request.mode);
    if (made || made.error().errno_value != EEXIST || request.creation == Creation::kExclusive) return made;
    auto existing = open_existing(root_fd, request);
    if (existing || existing.error().errno_value != ENOENT || turn == kMaxTurns) return existing;
  }
}

}  // namespace talos::files
