#include "files/files.h"

#include <fcntl.h>

#include <algorithm>

#include "files/walk.h"
#include "sys/file_calls.h"
#include "sys/packet_calls.h"

namespace talos::files {
namespace {

constexpr size_t kReadStepBytes = 64 * 1024;
constexpr double kMsPerSecond = 1e3;
constexpr double kNsPerMs = 1e6;

// The whole path, for the errors of a call that was given the last name only.
Error at_path(Error error, const std::string& path) {
  error.path = path;
  return error;
}

// Some file systems do not tell the kind in the folder. What is gone by now is left out, as if it had been gone before.
Result<void> fill_kinds(int folder_fd, std::vector<Entry>& entries) {
  std::vector<Entry> kept;
  for (Entry& entry : entries) {
    if (entry.kind == FileKind::kUnknown) {
      auto known = status(folder_fd, entry.name);
      if (!known && known.error().errno_value == ENOENT) continue;
      if (!known) return std::move(known.error());
      entry.kind = known.value().kind;
    }
    kept.push_back(std::move(entry));
  }
  entries = std::move(kept);
  return {};
}

}  // namespace

Status to_status(const struct stat& from) {
  Status status;
  status.kind = kind_of_mode(from.st_mode);
  status.mode = from.st_mode & 07777;
  status.uid = from.st_uid;
  status.gid = from.st_gid;
  status.links = from.st_nlink;
  status.size = from.st_size;
  status.modified_ms =
      static_cast<double>(from.st_mtim.tv_sec) * kMsPerSecond + static_cast<double>(from.st_mtim.tv_nsec) / kNsPerMs;
  status.device = from.st_dev;
  status.inode = from.st_ino;
  return status;
}

Result<Status> status(int root_fd, const std::string& path) {
  auto fd = walk(root_fd, path, O_PATH | O_NOFOLLOW);
  if (!fd) return std::move(fd.error());
  auto found = sys::file_status(fd.value().get(), path);
  if (!found) return std::move(found.error());
  return to_status(found.value());
}

Result<Status> status_of(int fd) {
  auto found = sys::file_status(fd, "");
  if (!found) return std::move(found.error());
  return to_status(found.value());
}

Result<std::vector<Entry>> read_folder(int root_fd, const std::string& path, size_t max_entries) {
  auto fd = walk(root_fd, path, O_RDONLY | O_DIRECTORY);
  if (!fd) return std::move(fd.error());
  auto entries = read_entries_of(fd.value().get(), path, max_entries);
  if (!entries) return entries;
  if (auto filled = fill_kinds(fd.value().get(), entries.value()); !filled) return std::move(filled.error());
  return entries;
}

Result<std::string> read_link(int root_fd, const std::string& path) {
  auto fd = walk(root_fd, path, O_PATH | O_NOFOLLOW);
  if (!fd) return std::move(fd.error());
  auto found = sys::file_status(fd.value().get(), path);
  if (!found) return std::move(found.error());
  if (kind_of_mode(found.value().st_mode) != FileKind::kLink) return Error{EINVAL, "readlink", path, {}, "it is not a link"};
  return sys::read_link_at(fd.value().get(), "", path);
}

Result<bool> make_folder(int root_fd, const std::string& path, uint32_t mode) {
  auto place = find_place(root_fd, path);
  if (!place) return std::move(place.error());
  auto made = sys::make_folder(place.value().parent.get(), place.value().name, mode);
  if (!made) return at_path(std::move(made.error()), path);
  return made;
}

Result<void> remove(int root_fd, const std::string& path, bool is_folder) {
  auto place = find_place(root_fd, path);
  if (!place) return std::move(place.error());
  auto removed = sys::remove_entry(place.value().parent.get(), place.value().name, is_folder);
  if (!removed) return at_path(std::move(removed.error()), path);
  return {};
}

Result<void> rename(int root_fd, const std::string& from, const std::string& to, bool replace) {
  auto source = find_place(root_fd, from);
  if (!source) return std::move(source.error());
  auto target = find_place(root_fd, to);
  if (!target) return std::move(target.error());
  auto renamed = sys::rename_entry(source.value().parent.get(), source.value().name, target.value().parent.get(),
                                   target.value().name, replace);
  if (renamed) return {};
  renamed.error().dest = to;
  return at_path(std::move(renamed.error()), from);
}

Result<std::string> read_file(int root_fd, const std::string& path, size_t max_bytes) {
  auto fd = open_file(root_fd, {.path = path});
  if (!fd) return std::move(fd.error());
  // Not by its size: files of the kernel have none, and a stranger's file system may lie about it.
  std::string text;
  for (;;) {
    size_t used = text.size();
    size_t wanted = std::min(kReadStepBytes + used, max_bytes + 1 - used);
    text.resize(used + wanted);
    auto got = sys::read_at(fd.value().get(), text.data() + used, wanted, used, path);
    if (!got) return std::move(got.error());
    text.resize(used + got.value());
    if (text.size() > max_bytes) {
      return Error{EFBIG, "pread", path, {}, "more than " + std::to_string(max_bytes) + " bytes"};
    }
    if (got.value() < wanted) return text;
  }
}

Result<void> replace_file(int root_fd, const std::string& path, const std::string& data, uint32_t mode) {
  auto place = find_place(root_fd, path, true);
  if (!place) return std::move(place.error());
  int parent = place.value().parent.get();
  auto random = sys::random_u32();
  if (!random) return std::move(random.error());
  std::string temporary = ".talos-" + std::to_string(random.value());
  auto fd = walk(parent, temporary, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!fd) return at_path(std::move(fd.error()), path);
  auto finish = [&]() -> Result<void> {
    int file = fd.value().get();
    if (auto written = sys::write_all(file, data.data(), data.size(), path); !written) return written;
    // After the content: nobody reads half a file through a mode that lets him. And exactly this mode, whatever the umask is.
    if (auto set = sys::set_mode(file, mode, path); !set) return set;
    if (auto flushed = sys::flush_file(file, path); !flushed) return flushed;
    return sys::rename_entry(parent, temporary, parent, place.value().name, true);
  };
  if (auto done = finish(); !done) {
    (void)sys::remove_entry(parent, temporary, false);
    return at_path(std::move(done.error()), path);
  }
  return sys::flush_file(parent, path);
}

Result<std::string> read_piece(int fd, uint64_t position, size_t max_bytes) {
  std::string piece(max_bytes, '\0');
  auto got = sys::read_at(fd, piece.data(), max_bytes, position, "");
  if (!got) return std::move(got.error());
  piece.resize(got.value());
  return piece;
}

}  // namespace talos::files
