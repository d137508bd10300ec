// An owned file descriptor: move-only, -1 when empty (0 is a valid descriptor).
#pragma once

#include <unistd.h>

#include <type_traits>
#include <utility>

namespace talos {

class UniqueFd {
 public:
  UniqueFd() noexcept = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool is_open() const noexcept { return fd_ != -1; }
  explicit operator bool() const noexcept { return is_open(); }

  // Gives the descriptor up to the caller.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  // close(2) is never retried: on Linux the descriptor is gone after EINTR, and a retry could close another thread's.
  void reset(int fd = -1) noexcept {
    if (int old = std::exchange(fd_, fd); old != -1) ::close(old);
  }

 private:
  int fd_ = -1;
};

static_assert(!std::is_copy_constructible_v<UniqueFd>);

}  // namespace talos
