// The one way from a path to a descriptor, shared by the files of this folder.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "files/files.h"

namespace talos::files {

// sys::open_beneath with a bounded number of tries against renames, and with words in the error.
Result<UniqueFd> walk(int root_fd, const std::string& path, uint64_t flags, uint64_t mode = 0);

struct Place {
  UniqueFd parent;
  std::string name;
};
// The folder a path ends in, opened, and the last name in it. `for_flush`: opened so that it can be fsync'ed.
Result<Place> find_place(int root_fd, const std::string& path, bool for_flush = false);

}  // namespace talos::files
