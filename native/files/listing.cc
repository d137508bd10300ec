// Folders as a whole: their names in order, and what is behind many of them at once.
#include <fcntl.h>

#include <algorithm>

#include "files/files.h"
#include "files/walk.h"
#include "sys/file_calls.h"

namespace talos::files {
namespace {

constexpr size_t kEntryBlockBytes = 64 * 1024;

// A name that is handed to an *at call as it is: one with a slash, or "..", would lead out of the folder.
bool is_one_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
}

Look look(int folder_fd, const std::string& name) {
  Look seen;
  auto found = sys::entry_status(folder_fd, name);
  if (!found) {
    seen.errno_value = found.error().errno_value;
    return seen;
  }
  seen.status = to_status(found.value());
  if (seen.status.kind != FileKind::kLink) return seen;
  auto target = sys::read_link_at(folder_fd, name, name);
  if (target) {
    seen.target = std::move(target).value();
  } else {
    seen.errno_value = target.error().errno_value;
  }
  return seen;
}

}  // namespace

Result<std::vector<Entry>> read_entries_of(int folder_fd, const std::string& path, size_t max_entries) {
  std::vector<Entry> entries;
  std::string block(kEntryBlockBytes, '\0');
  for (;;) {
    auto bytes = sys::read_entries(folder_fd, block.data(), block.size(), path);
    if (!bytes) return std::move(bytes.error());
    if (bytes.value() == 0) return entries;
    if (auto parsed = parse_entries(std::string_view(block).substr(0, bytes.value()), entries); !parsed) {
      parsed.error().path = path;
      return std::move(parsed.error());
    }
    if (entries.size() > max_entries) {
      return Error{EOVERFLOW, "getdents64", path, {}, "more than " + std::to_string(max_entries) + " entries"};
    }
  }
}

Result<std::vector<std::string>> list_names(int root_fd, const std::string& path, size_t max_entries) {
  auto fd = walk(root_fd, path, O_RDONLY | O_DIRECTORY);
  if (!fd) return std::move(fd.error());
  auto entries = read_entries_of(fd.value().get(), path, max_entries);
  if (!entries) return std::move(entries.error());
  std::vector<std::string> names;
  names.reserve(entries.value().size());
  for (Entry& entry : entries.value()) names.push_back(std::move(entry.name));
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::vector<Look>> look_at(int root_fd, const std::string& path, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (!is_one_name(name)) return Error{EINVAL, "fstatat", name, {}, "it is not one name"};
  }
  auto fd = walk(root_fd, path, O_PATH | O_DIRECTORY);
  if (!fd) return std::move(fd.error());
  std::vector<Look> seen;
  seen.reserve(names.size());
  for (const std::string& name : names) seen.push_back(look(fd.value().get(), name));
  return seen;
}

}  // namespace talos::files
