// System calls on /dev/input/event*.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

// Read-only and non-blocking.
Result<UniqueFd> open_input(const std::string& path);

// Bytes in `buffer`; 0 when there is nothing now. ENODEV: the device was taken away.
Result<size_t> read_input(int fd, const std::string& path, std::span<unsigned char> buffer);

}  // namespace talos::sys
