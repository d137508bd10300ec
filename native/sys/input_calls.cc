#include "sys/input_calls.h"

#include <fcntl.h>
#include <unistd.h>

namespace talos::sys {

Result<UniqueFd> open_input(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!fd) return last_error("open", path);
  return fd;
}

Result<size_t> read_input(int fd, const std::string& path, std::span<unsigned char> buffer) {
  for (;;) {
    ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count >= 0) return static_cast<size_t>(count);
    if (errno == EAGAIN) return size_t{0};
    if (errno != EINTR) return last_error("read", path);
  }
}

}  // namespace talos::sys
