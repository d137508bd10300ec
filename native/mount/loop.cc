#include "mount/loop.h"

namespace talos::mount {
namespace {

// More rivals at one moment than a machine starts things at once.
constexpr int kMaxAttempts = 64;

// Somebody else was quicker: the device has a file by now (EBUSY), or was removed (ENXIO, ENOENT).
bool was_taken(const Error& error) {
  return error.errno_value == EBUSY || error.errno_value == ENXIO || error.errno_value == ENOENT;
}

}  // namespace

Result<LoopDevice> attach_loop(const sys::LoopConfig& config) {
  auto control = sys::open_loop_control();
  if (!control) return std::move(control.error());
  for (int attempt = 1;; attempt++) {
    auto number = sys::free_loop_number(control.value().get());
    if (!number) return std::move(number.error());
    std::string path = sys::loop_path(number.value());
    auto device = sys::open_loop_device(number.value(), !config.read_only);
    if (device) {
      auto configured = sys::configure_loop(device.value().get(), config);
      if (configured) return LoopDevice{std::move(path), std::move(device).value()};
      configured.error().path = path;
      if (!was_taken(configured.error()) || attempt == kMaxAttempts) return std::move(configured.error());
    } else if (!was_taken(device.error()) || attempt == kMaxAttempts) {
      return std::move(device.error());
    }
  }
}

Result<void> detach_loop(int device) { return sys::clear_loop(device); }

}  // namespace talos::mount
