#include "sys/doorbell_calls.h"

#include <sys/socket.h>

namespace talos::sys {

namespace {
// The kernel makes its minimum of it, which are some six rings: one is enough, and a listener that sleeps costs little memory.
constexpr int kQueueBytes = 1;
// More than fit into that queue, so that a ringer in a hurry cannot keep us here; what is left over rings again.
constexpr int kMaxDrained = 64;
}  // namespace

Result<Doorbell> create_doorbell() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return last_error("socketpair");
  Doorbell doorbell{UniqueFd(ends[0]), UniqueFd(ends[1])};
  if (::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &kQueueBytes, sizeof kQueueBytes) != 0) return last_error("setsockopt");
  return doorbell;
}

void ring_doorbell(int ringer) {
  // EINTR cannot be: it does not sleep.
  [[maybe_unused]] ssize_t sent = ::send(ringer, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

Result<void> require_listener(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return last_error("getsockopt");
  if (type != SOCK_DGRAM) return Error{EINVAL, "getsockopt", {}, {}, "not the listening end of a doorbell"};
  return {};
}

void drain_doorbell(int listener) {
  char ring;
  for (int drained = 0; drained < kMaxDrained; ++drained) {
    if (::recv(listener, &ring, sizeof ring, MSG_DONTWAIT) <= 0) return;
  }
}

}  // namespace talos::sys
