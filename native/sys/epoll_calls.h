// epoll(7).
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

}  // namespace talos::sys
