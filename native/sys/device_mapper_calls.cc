#include "sys/device_mapper_calls.h"

#include <fcntl.h>

namespace talos::sys {

Result<UniqueFd> open_device_mapper() {
  constexpr const char* kPath = "/dev/mapper/control";
  int number;
  do {
    number = ::open(kPath, O_RDWR | O_CLOEXEC);
  } while (number == -1 && errno == EINTR);
  if (number == -1) return last_error("open", kPath);
  return UniqueFd(number);
}

Result<void> device_mapper_request(int control_fd, unsigned long request, const char* request_name, std::span<uint8_t> buffer,
                                   const std::string& name) {
  // Not again after EINTR: the request may have been carried out in part.
  if (::ioctl(control_fd, request, buffer.data()) != -1) return {};
  Error error = last_error("ioctl", name);
  error.detail = request_name;
  return error;
}

}  // namespace talos::sys
