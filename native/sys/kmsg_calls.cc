#include "sys/kmsg_calls.h"

#include <fcntl.h>
#include <unistd.h>

namespace talos::sys {
namespace {
constexpr const char* kPath = "/dev/kmsg";
}

Result<UniqueFd> open_kmsg_reader(KmsgPosition position) {
  UniqueFd fd(::open(kPath, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return last_error("open", kPath);
  if (::lseek(fd.get(), 0, position == KmsgPosition::kStart ? SEEK_SET : SEEK_END) == -1) return last_error("lseek", kPath);
  return fd;
}

Result<KmsgRead> read_kmsg(int fd, std::span<char> buffer) {
  for (;;) {
    ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count > 0) return KmsgRead{KmsgOutcome::kRecord, static_cast<size_t>(count)};
    if (count == 0 || errno == EAGAIN) return KmsgRead{KmsgOutcome::kNothing, 0};
    if (errno == EPIPE) return KmsgRead{KmsgOutcome::kOverwritten, 0};
    if (errno != EINTR) return last_error("read", kPath);
  }
}

Result<UniqueFd> open_kmsg_writer() {
  UniqueFd fd(::open(kPath, O_WRONLY | O_CLOEXEC));
  if (!fd) return last_error("open", kPath);
  return fd;
}

Result<void> write_kmsg(int fd, std::string_view record) {
  for (;;) {
    if (::write(fd, record.data(), record.size()) != -1) return {};
    if (errno != EINTR) return last_error("write", kPath);
  }
}

}  // namespace talos::sys
