// File system calls of the cgroup tree: everything relative to a directory descriptor, nothing through links.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

// Opens the root of the tree itself; O_PATH, so it is good for the *at calls only.
Result<UniqueFd> open_tree_root(const std::string& path);

// openat2(2) of a directory strictly beneath `root_fd`: `..`, links, magic links and absolute paths fail (EXDEV, ELOOP).
// `path_only` opens with O_PATH. `path` is reported in the error.
Result<UniqueFd> open_directory_beneath(int root_fd, const std::string& path, bool path_only);

// mkdirat(2), mode 0755. True when it was made, false when it was there already.
Result<bool> make_directory(int parent_fd, const std::string& name);

// unlinkat(2) with AT_REMOVEDIR.
Result<void> remove_directory(int parent_fd, const std::string& name);

// One open, one write, one close of a small control file.
Result<void> write_control(int directory_fd, const char* name, std::string_view text);

// One open, one read, one close. Returns how many bytes are in `buffer`; more than fit are cut off.
Result<size_t> read_control(int directory_fd, const char* name, char* buffer, size_t size);

}  // namespace talos::sys
