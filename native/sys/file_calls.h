// Files by descriptor and beneath a folder: openat2(2) and the *at calls. Nothing here follows a link.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

// open(2) of a folder that the program itself chose; O_PATH, so it is good for the *at calls only.
Result<UniqueFd> open_folder(const std::string& path);

// openat2(2), strictly beneath `root_fd`: paths that lead out of it fail with EXDEV, links and magic links with ELOOP. `flags` as
// of open(2); O_CLOEXEC and O_NOCTTY are added. EAGAIN: a `..` met a rename; the caller may try again.
Result<UniqueFd> open_beneath(int root_fd, const std::string& path, uint64_t flags, uint64_t mode = 0);

// fstat(2); works on O_PATH descriptors.
Result<struct stat> file_status(int fd, const std::string& path);

// fstatat(2) of one name in a folder; of a link: the link itself.
Result<struct stat> entry_status(int folder_fd, const std::string& name);

// readlinkat(2) of one name in a folder, or, with an empty name, of an O_PATH descriptor of the link itself.
Result<std::string> read_link_at(int fd, const std::string& name, const std::string& path);

// mkdirat(2). True when it was made, false when something of that name was there already.
Result<bool> make_folder(int parent_fd, const std::string& name, mode_t mode);

// unlinkat(2); `is_folder`: with AT_REMOVEDIR.
Result<void> remove_entry(int parent_fd, const std::string& name, bool is_folder);

// renameat2(2); with RENAME_NOREPLACE unless `replace`.
Result<void> rename_entry(int from_fd, const std::string& from, int to_fd, const std::string& to, bool replace);

// getdents64(2): bytes of linux_dirent64 records; 0 at the end.
Result<size_t> read_entries(int fd, char* buffer, size_t size, const std::string& path);

// pread(2), again and again until `size` bytes are there or the file ends.
Result<size_t> read_at(int fd, char* buffer, size_t size, uint64_t position, const std::string& path);

// write(2), until everything is written.
Result<void> write_all(int fd, const char* data, size_t size, const std::string& path);

Result<void> set_mode(int fd, mode_t mode, const std::string& path);

// fsync(2). Blocks on the device.
Result<void> flush_file(int fd, const std::string& path);

// Takes O_NONBLOCK away again: on a regular file it means nothing, and whoever gets the descriptor must not wonder.
Result<void> set_blocking(int fd, const std::string& path);

}  // namespace talos::sys
