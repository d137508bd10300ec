// epoll(7) and eventfd(2).
#pragma once

#include <sys/epoll.h>

#include <cstdint>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

Result<UniqueFd> create_epoll();
Result<void> epoll_add(int epoll, int fd, uint32_t events, uint64_t token);
Result<void> epoll_modify(int epoll, int fd, uint32_t events, uint64_t token);
// Of a descriptor that is gone already: nothing to do.
void epoll_remove(int epoll, int fd);
// Sleeps until something is ready; EINTR is waited out. Negative: the epoll descriptor itself is unusable.
int epoll_wait_forever(int epoll, epoll_event* events, int capacity);

// Non-blocking counter, starting at 0.
Result<UniqueFd> create_eventfd();
// Adds 1. A full counter (nobody reads) is as good as rung.
void eventfd_ring(int fd);
// Takes the counter down to 0; false when it was 0.
bool eventfd_drain(int fd);

}  // namespace talos::sys
