// TCP connections that belong to two at once: what a relay of bytes needs beside read(2).
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "base/result.h"

namespace talos::sys {

// send(2) without SIGPIPE: bytes taken, -1 when there is no room now.
Result<ssize_t> send_available(int fd, const std::byte* bytes, size_t count);
// shutdown(2), SHUT_WR: the other side reads to the end. One that is gone already is no error.
Result<void> end_writing(int fd);
// SO_LINGER with no time: closing it resets the connection. A wish: one that is gone already needs none.
void reset_on_close(int fd);

}  // namespace talos::sys
