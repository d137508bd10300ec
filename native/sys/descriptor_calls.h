// Descriptors as such: open(2), pipe2(2), fcntl(2). Everything is close-on-exec from the call that makes it.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

// Takes over an inherited number and sets close-on-exec. EBADF when nothing is open there.
Result<UniqueFd> adopt_descriptor(int number);
// Read end, write end.
Result<std::pair<UniqueFd, UniqueFd>> create_pipe();
// `flags`: "r", "w" or "rw". May sleep on a FIFO or a device.
Result<UniqueFd> open_path(const std::string& path, const std::string& flags);
Result<UniqueFd> duplicate_descriptor(int fd);
Result<void> set_nonblocking(int fd);

}  // namespace talos::sys
