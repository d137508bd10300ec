#include "block/device.h"

namespace talos::block {

Result<Device> Device::open(DeviceTarget target, sys::DeviceAccess access) {
  auto [path, fd] = std::move(target);
  if (!fd) {
    auto opened = sys::open_device(path, access);
    if (!opened) return opened.error();
    fd = std::move(opened).value();
  } else if (auto checked = sys::check_device(fd.get(), path); !checked) {
    return checked.error();
  }
  auto geometry = sys::device_geometry(fd.get(), path);
  if (!geometry) return geometry.error();
  // Some kernels open a read-only device for writing, and let the write fail.
  if (access != sys::DeviceAccess::kRead && geometry.value().is_read_only) return Error{EROFS, "open", path, {}, {}};
  return Device(std::move(fd), geometry.value(), path);
}

Result<void> Device::settle() const {
  if (auto flushed = flush(); !flushed) return flushed;
  return sys::drop_device_cache(fd_.get(), geometry_.is_block_device, path_);
}

Result<sys::DeviceGeometry> device_info(DeviceTarget target) {
  auto device = Device::open(std::move(target), sys::DeviceAccess::kRead);
  if (!device) return device.error();
  return device.value().geometry();
}

Result<UniqueFd> open_exclusively(const std::string& path) {
  auto device = Device::open(path, sys::DeviceAccess::kExclusiveWrite);
  if (!device) return device.error();
  return std::move(device).value().take();
}

Result<void> flush(DeviceTarget target) {
  auto device = Device::open(std::move(target), sys::DeviceAccess::kRead);
  if (!device) return device.error();
  return device.value().flush();
}

Result<void> erase(DeviceTarget target, sys::EraseKind kind, uint64_t offset, uint64_t length) {
  auto opened = Device::open(std::move(target), sys::DeviceAccess::kExclusiveWrite);
  if (!opened) return opened.error();
  const Device& device = opened.value();
  if (!device.geometry().is_block_device) return Error{ENOTBLK, "open", device.path(), {}, {}};
  return sys::erase_range(device.fd(), kind, offset, length, device.path());
}

}  // namespace talos::block
