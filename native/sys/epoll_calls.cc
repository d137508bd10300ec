#include "sys/epoll_calls.h"

namespace talos::sys {

namespace {

Result<void> control(int epoll, int operation, int fd, uint32_t events, uint64_t token) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  if (::epoll_ctl(epoll, operation, fd, &event) != 0) return last_error("epoll_ctl");
  return {};
}

}  // namespace

Result<UniqueFd> create_epoll() {
  int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) return last_error("epoll_create1");
  return UniqueFd(fd);
}

Result<void> epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
  return control(epoll, EPOLL_CTL_ADD, fd, events, token);
}

Result<void> epoll_modify(int epoll, int fd, uint32_t events, uint64_t token) {
  return control(epoll, EPOLL_CTL_MOD, fd, events, token);
}

void epoll_remove(int epoll, int fd) { ::epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr); }

int epoll_wait_forever(int epoll, epoll_event* events, int capacity) {
  for (;;) {
    int count = ::epoll_wait(epoll, events, capacity, -1);
    if (count >= 0 || errno != EINTR) return count;
  }
}

}  // namespace talos::sys
