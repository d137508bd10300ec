// Extended attributes of files that are held by O_PATH descriptors: xattr(7), by way of /proc/self/fd, since the f…xattr calls
// refuse such descriptors, and since opening a device, a FIFO or a link to look at it is no choice.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace talos::sys {

// listxattr(2): the names. Empty too where the file system has no attributes. `path` is for errors.
Result<std::vector<std::string>> list_attributes(int fd, const std::string& path);

// getxattr(2). Nothing if it is gone by now, or has no value that could be read.
Result<std::optional<std::string>> read_attribute(int fd, const std::string& name, const std::string& path);

}  // namespace talos::sys
