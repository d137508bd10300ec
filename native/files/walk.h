// The one way from a path to a descriptor, shared by the files of this folder.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "files/files.h"

namespace talos::files {

Status to_status(const struct stat& from);

// sys::open_beneath with a bounded number of tries against renames, and with words in the error.
Result<UniqueFd> walk(int root_fd, const std::string& path, uint64_t flags, uint64_t mode = 0);

// All entries of a folder opened for reading; EOVERFLOW beyond `max_entries`. A kind that the file system does not tell stays
// unknown.
Result<std::vector<Entry>> read_entries_of(int folder_fd, const std::string& path, size_t max_entries);

struct Place {
  UniqueFd parent;
  std::string name;
};
// The folder a path ends in, opened, and the last name in it. `for_flush`: opened so that it can be fsync'ed.
Result<Place> find_place(int root_fd, const std::string& path, bool for_flush = false);

}  // namespace talos::files
