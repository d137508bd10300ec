#include "sys/attribute_calls.h"

#include <linux/limits.h>
#include <sys/xattr.h>

#include <cerrno>

namespace talos::sys {
namespace {

// Leads to the file itself, also if that is a symbolic link: the kernel does not go on from a magic link.
std::string place_of(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

}  // namespace

Result<std::vector<std::string>> list_attributes(int fd, const std::string& path) {
  // The kernel gives no longer list, so it needs no second try with another size.
  std::string list(XATTR_LIST_MAX, '\0');
  ssize_t size = ::listxattr(place_of(fd).c_str(), list.data(), list.size());
  if (size == -1 && errno == EOPNOTSUPP) return std::vector<std::string>{};
  if (size == -1) return last_error("listxattr", path);
  list.resize(static_cast<size_t>(size));
  std::vector<std::string> names;
  for (size_t start = 0; start < list.size();) {
    size_t end = list.find('\0', start);
    if (end == std::string::npos) end = list.size();
    names.push_back(list.substr(start, end - start));
    start = end + 1;
  }
  return names;
}

Result<std::optional<std::string>> read_attribute(int fd, const std::string& name, const std::string& path) {
  std::string value(XATTR_SIZE_MAX, '\0');
  ssize_t size = ::getxattr(place_of(fd).c_str(), name.c_str(), value.data(), value.size());
  if (size == -1 && (errno == ENODATA || errno == EOPNOTSUPP)) return std::optional<std::string>{};
  if (size == -1) return last_error("getxattr", path);
  value.resize(static_cast<size_t>(size));
  return std::optional<std::string>(std::move(value));
}

}  // namespace talos::sys
