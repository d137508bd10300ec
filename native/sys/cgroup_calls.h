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

enum class ControlAccess { kRead, kReadWrite };

// openat(2) of a control file, not through a link.
Result<UniqueFd> open_control(int directory_fd, const char* name, ControlAccess access);

// write(2) of a whole value to an open control file. `name` is for the error.
Result<void> write_open_control(int fd, const char* name, std::string_view text);

// pread(2) at 0, which makes the kernel write the file's text anew. `name` is for the error.
Result<size_t> read_control_at_start(int fd, const char* name, char* buffer, size_t size);

// One open, one write, one close of a small control file.
Result<void> write_control(int directory_fd, const char* name, std::string_view text);

// One open, one read, one close. Returns how many bytes are in `buffer`; more than fit are cut off.
Result<size_t> read_control(int directory_fd, const char* name, char* buffer, size_t size);

// How many descriptors this process may have open: the soft limit of RLIMIT_NOFILE.
size_t descriptor_limit();

}  // namespace talos::sys
