// Descriptors as such: open(2), pipe2(2), fcntl(2). Everything is close-on-exec from the call that makes it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

// Takes over an inherited number and sets close-on-exec. EBADF when nothing is open there.
Result<UniqueFd> adopt_descriptor(int number);
// Read end, write end.
Result<std::pair<UniqueFd, UniqueFd>> create_pipe();
// socketpair(2): AF_UNIX, SOCK_STREAM. Each end learns at once when the other is gone.
Result<std::pair<UniqueFd, UniqueFd>> create_stream_pair();
// A TCP socket bound to `port` (0: any) of every address, IPv6 and IPv4, whose connections get a receive buffer of this size,
// which the kernel doubles for its own book-keeping and then leaves alone (socket(7), SO_RCVBUF). Not listening yet. EADDRINUSE ·
// EACCES
Result<UniqueFd> bind_tcp(uint16_t port, int receive_buffer_bytes);
// `flags`: "r", "w" or "rw". May sleep on a FIFO or a device.
Result<UniqueFd> open_path(const std::string& path, const std::string& flags);
Result<UniqueFd> duplicate_descriptor(int fd);
Result<void> set_nonblocking(int fd);
// F_SETPIPE_SZ. A wish: where a limit forbids it, or the descriptor is no pipe, it stays as it is.
void try_set_pipe_bytes(int fd, int bytes);

struct ReadOutcome {
  enum Kind { kData, kWouldBlock, kEnd };
  Kind kind;
  size_t bytes;
};
// read(2) of a non-blocking descriptor. An error that will not go away (EIO of a terminal) is its end.
ReadOutcome read_nonblocking(int fd, void* buffer, size_t capacity);
// A larger buffer for a pipe that carries much; the kernel may refuse, and nothing depends on it.
void grow_pipe(int fd);
// read(2) of a non-blocking descriptor: bytes, 0 at its end, -1 when there is nothing now.
Result<ssize_t> read_available(int fd, char* buffer, size_t capacity);

}  // namespace talos::sys
