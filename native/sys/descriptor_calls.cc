#include "sys/descriptor_calls.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

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

Result<UniqueFd> bind_tcp(uint16_t port, int receive_buffer_bytes) {
  constexpr int kType = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  sockaddr_in6 any6 = {};
  any6.sin6_family = AF_INET6;
  any6.sin6_port = htons(port);
  sockaddr_in any4 = {};
  any4.sin_family = AF_INET;
  any4.sin_port = htons(port);
  UniqueFd fd(::socket(AF_INET6, kType, 0));
  bool is_dual = static_cast<bool>(fd);
  // A kernel that was started with ipv6.disable=1.
  if (!is_dual && errno == EAFNOSUPPORT) fd.reset(::socket(AF_INET, kType, 0));
  if (!fd) return last_error("socket");
  const int off = 0;
  const int on = 1;
  if (is_dual && ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0) return last_error("setsockopt");
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return last_error("setsockopt");
  // Before listen(2): the window's scale is agreed on when a connection is made (tcp(7)).
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes) != 0) {
    return last_error("setsockopt");
  }
  const sockaddr* address = is_dual ? reinterpret_cast<const sockaddr*>(&any6) : reinterpret_cast<const sockaddr*>(&any4);
  if (::bind(fd.get(), address, is_dual ? sizeof any6 : sizeof any4) != 0) return last_error("bind");
  return fd;
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
