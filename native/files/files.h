// Files whose paths came from outside (a user, a container, a foreign disk), strictly beneath a folder that the program chose.
//
// The folder is a descriptor; the kernel walks the path (openat2(2), RESOLVE_BENEATH, NO_SYMLINKS, NO_MAGICLINKS), so that no
// check can be outrun by a rename. Names that change something (mkdir, unlink, rename) act in the walked parent, on one last
// name.
//
// Errors: EXDEV the path leads out of the folder · ELOOP a link is in it · EINVAL something other than a regular file, or a last
// name that cannot be one · EAGAIN the folders kept moving · ENOSYS kernel < 5.6. `detail` says it in words. Everything here may
// sleep on the device or the network behind the folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "files/entries.h"

namespace talos::files {

enum class Access { kRead, kReadWrite, kWrite, kAppend };
enum class Creation { kNever, kIfMissing, kExclusive };

struct OpenRequest {
  std::string path{};
  Access access = Access::kRead;
  Creation creation = Creation::kNever;
  bool truncate = false;
  uint32_t mode = 0600;  // of a file that is made; the umask applies
};

struct Status {
  FileKind kind = FileKind::kUnknown;
  uint32_t mode = 0;  // without the type
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t links = 0;
  int64_t size = 0;
  double modified_ms = 0;
  uint64_t device = 0;
  uint64_t inode = 0;
};

// A folder chosen by the program itself, as the root of the others.
Result<UniqueFd> open_root(const std::string& path);

// A folder beneath another, as a root of its own.
Result<UniqueFd> open_folder(int root_fd, const std::string& path);

// A regular file. It is looked at before it is opened, since opening a device can already do something, and again afterwards.
Result<UniqueFd> open_file(int root_fd, const OpenRequest& request);

// Of the file itself, or of the link if the last name is one.
Result<Status> status(int root_fd, const std::string& path);
Result<Status> status_of(int fd);

// In the order of the file system. EOVERFLOW beyond `max_entries`.
Result<std::vector<Entry>> read_folder(int root_fd, const std::string& path, size_t max_entries);

// The names in a folder, sorted by their bytes. EOVERFLOW beyond `max_entries`.
Result<std::vector<std::string>> list_names(int root_fd, const std::string& path, size_t max_entries);

// What one name in a folder is.
struct Look {
  int errno_value = 0;  // why it could not be looked at; the rest says nothing then. ENOENT: it is gone
  Status status{};
  std::string target{};  // of a link, else empty
};
// In the order of the names, all in the folder as it was opened once. EINVAL if one of them is no single name.
Result<std::vector<Look>> look_at(int root_fd, const std::string& path, const std::vector<std::string>& names);

// An extended attribute (xattr(7)).
struct Attribute {
  std::string name;
  std::string value;  // bytes
};
// Of the file itself, whatever it is, or of the link if the last name is one; nothing is opened for that. None where the file
// system has none. EOVERFLOW if names and values have more than `max_bytes`.
Result<std::vector<Attribute>> attributes(int root_fd, const std::string& path, size_t max_bytes);

// Where a link points to: bytes, to be shown and not to be followed.
Result<std::string> read_link(int root_fd, const std::string& path);

// True when it was made, false when something of that name was there already. Parents must exist.
Result<bool> make_folder(int root_fd, const std::string& path, uint32_t mode);

Result<void> remove(int root_fd, const std::string& path, bool is_folder);

// EEXIST if there is something at `to`, unless `replace`.
Result<void> rename(int root_fd, const std::string& from, const std::string& to, bool replace);

// The whole of a regular file. EFBIG if it has more than `max_bytes`.
Result<std::string> read_file(int root_fd, const std::string& path, size_t max_bytes);

// Writes beside its place, flushes, and renames: whoever looks sees the old file or the new one, also after a power cut.
Result<void> replace_file(int root_fd, const std::string& path, const std::string& data, uint32_t mode);

// A piece of an open file: at most `max_bytes`, fewer at its end.
Result<std::string> read_piece(int fd, uint64_t position, size_t max_bytes);

// "a/b/c" → "a/b" and "c". EINVAL when the last part is no name ("", ".", "..") or the path has a NUL.
struct SplitPath {
  std::string parent;
  std::string name;
};
Result<SplitPath> split_path(const std::string& path);

}  // namespace talos::files
