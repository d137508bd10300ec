#include "block/device.h"

namespace talos::block {

Result<Device> Device::open(const std::string& path, sys::DeviceAccess access) {
  auto fd = sys::open_device(path, access);
  if (!fd) return fd.error();
  auto geometry = sys::device_geometry(fd.value().get(), path);
  if (!geometry) return geometry.error();
  // Some kernels open a read-only device for writing, and let the write fail.
  if (access != sys::DeviceAccess::kRead && geometry.value().is_read_only) return Error{EROFS, "open", path, {}, {}};
  return Device(std::move(fd).value(), geometry.value(), path);
}

Result<void> Device::settle() const {
  if (auto flushed = flush(); !flushed) return flushed;
  return sys::drop_device_cache(fd_.get(), geometry_.is_block_device, path_);
}

Result<sys::DeviceGeometry> device_info(const std::string& path) {
  auto device = Device::open(path, sys::DeviceAccess::kRead);
  if (!device) return device.error();
  return device.value().geometry();
}

Result<void> flush(const std::string& path) {
  auto device = Device::open(path, sys::DeviceAccess::kRead);
  if (!device) return device.error();
  return device.value().flush();
}

Result<void> erase(const std::string& path, sys::EraseKind kind, uint64_t offset, uint64_t length) {
  auto device = Device::open(path, sys::DeviceAccess::kExclusiveWrite);
  if (!device) return device.error();
  if (!device.value().geometry().is_block_device) return Error{ENOTBLK, "open", path, {}, {}};
  return sys::erase_range(device.value().fd(), kind, offset, length, path);
}

}  // namespace talos::block
