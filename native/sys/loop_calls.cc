#include "sys/loop_calls.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

namespace talos::sys {
namespace {

constexpr const char* kControlPath = "/dev/loop-control";

Error loop_error(const char* request, std::string path = {}) {
  Error error = last_error("ioctl", std::move(path));
  error.detail = request;
  return error;
}

}  // namespace

std::string loop_path(int number) { return "/dev/loop" + std::to_string(number); }

Result<UniqueFd> open_loop_control() {
  UniqueFd fd(::open(kControlPath, O_RDWR | O_CLOEXEC));
  if (!fd) return last_error("open", kControlPath);
  return fd;
}

Result<int> free_loop_number(int control) {
  int number = ::ioctl(control, LOOP_CTL_GET_FREE);
  if (number == -1) return loop_error("LOOP_CTL_GET_FREE", kControlPath);
  return number;
}

Result<UniqueFd> open_loop_device(int number, bool writable) {
  std::string path = loop_path(number);
  UniqueFd fd(::open(path.c_str(), (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC));
  if (!fd) return last_error("open", path);
  return fd;
}

Result<void> configure_loop(int device, const LoopConfig& config) {
  struct loop_config raw = {};
  raw.fd = static_cast<uint32_t>(config.file);
  raw.block_size = config.block_bytes;
  raw.info.lo_offset = config.offset_bytes;
  raw.info.lo_sizelimit = config.size_limit_bytes;
  raw.info.lo_flags = (config.read_only ? LO_FLAGS_READ_ONLY : 0) | (config.autoclear ? LO_FLAGS_AUTOCLEAR : 0);
  int done;
  do {
    done = ::ioctl(device, LOOP_CONFIGURE, &raw);
  } while (done == -1 && errno == EINTR);
  if (done == -1) return loop_error("LOOP_CONFIGURE");
  return {};
}

Result<void> clear_loop(int device) {
  int done;
  do {
    done = ::ioctl(device, LOOP_CLR_FD);
  } while (done == -1 && errno == EINTR);
  if (done == -1) return loop_error("LOOP_CLR_FD");
  return {};
}

}  // namespace talos::sys
