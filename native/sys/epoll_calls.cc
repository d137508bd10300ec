#include "sys/epoll_calls.h"

#include <sys/eventfd.h>
#include <unistd.h>

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

Result<UniqueFd> create_eventfd() {
  int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return last_error("eventfd");
  return UniqueFd(fd);
}

void eventfd_ring(int fd) {
  uint64_t one = 1;
  // EAGAIN: the counter is full, so the reader is woken anyway.
  [[maybe_unused]] ssize_t written = ::write(fd, &one, sizeof one);
}

bool eventfd_drain(int fd) {
  uint64_t count = 0;
  return ::read(fd, &count, sizeof count) == sizeof count && count > 0;
}

}  // namespace talos::sys
