#include "sys/descriptor_calls.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace talos::sys {

Result<UniqueFd> adopt_descriptor(int number) {
  if (::fcntl(number, F_SETFD, FD_CLOEXEC) != 0) return last_error("fcntl");
  return UniqueFd(number);
}

Result<std::pair<UniqueFd, UniqueFd>> create_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return last_error("pipe2");
  return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

Result<std::pair<UniqueFd, UniqueFd>> create_stream_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return last_error("socketpair");
  return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

Result<UniqueFd> open_path(const std::string& path, const std::string& flags) {
  int mode = flags == "w" ? O_WRONLY : flags == "rw" ? O_RDWR : O_RDONLY;
  int fd = ::open(path.c_str(), mode | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return last_error("open", path);
  return UniqueFd(fd);
}

Result<UniqueFd> duplicate_descriptor(int fd) {
  int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return last_error("fcntl");
  return UniqueFd(copy);
}

Result<void> set_nonblocking(int fd) {
  int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return last_error("fcntl");
  return {};
}

void grow_pipe(int fd) { ::fcntl(fd, F_SETPIPE_SZ, 256 * 1024); }

Result<ssize_t> read_available(int fd, char* buffer, size_t capacity) {
  for (;;) {
    ssize_t got = ::read(fd, buffer, capacity);
    if (got >= 0) return got;
    if (errno == EAGAIN) return ssize_t{-1};
    if (errno != EINTR) return last_error("read");
  }
}

void try_set_pipe_bytes(int fd, int bytes) { ::fcntl(fd, F_SETPIPE_SZ, bytes); }

ReadOutcome read_nonblocking(int fd, void* buffer, size_t capacity) {
  ssize_t got;
  do {
    got = ::read(fd, buffer, capacity);
  } while (got < 0 && errno == EINTR);
  if (got > 0) return {ReadOutcome::kData, static_cast<size_t>(got)};
  return {got < 0 && errno == EAGAIN ? ReadOutcome::kWouldBlock : ReadOutcome::kEnd, 0};
}

}  // namespace talos::sys
