#include "sys/stream_calls.h"

#include <sys/socket.h>

namespace talos::sys {

Result<ssize_t> send_available(int fd, const std::byte* bytes, size_t count) {
  for (;;) {
    ssize_t sent = ::send(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return sent;
    if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) return ssize_t{-1};
    if (errno != EINTR) return last_error("send");
  }
}

Result<void> end_writing(int fd) {
  if (::shutdown(fd, SHUT_WR) == 0 || errno == ENOTCONN) return {};
  return last_error("shutdown");
}

void reset_on_close(int fd) {
  linger at_once{1, 0};
  (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace talos::sys
