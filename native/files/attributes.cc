// Extended attributes: what a file has besides its status and its bytes.
#include <fcntl.h>

#include "files/files.h"
#include "files/walk.h"
#include "sys/attribute_calls.h"

namespace talos::files {

Result<std::vector<Attribute>> attributes(int root_fd, const std::string& path, size_t max_bytes) {
  auto fd = walk(root_fd, path, O_PATH | O_NOFOLLOW);
  if (!fd) return std::move(fd.error());
  auto names = sys::list_attributes(fd.value().get(), path);
  if (!names) return std::move(names.error());
  std::vector<Attribute> found;
  size_t bytes = 0;
  for (std::string& name : names.value()) {
    auto value = sys::read_attribute(fd.value().get(), name, path);
    if (!value) return std::move(value.error());
    if (!value.value()) continue;
    bytes += name.size() + value.value()->size();
    if (bytes > max_bytes) {
      return Error{EOVERFLOW, "getxattr", path, {}, "more than " + std::to_string(max_bytes) + " bytes of attributes"};
    }
    found.push_back({std::move(name), std::move(*value.value())});
  }
  return found;
}

}  // namespace talos::files
