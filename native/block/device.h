// An open block device (or a file that holds the image of one).
#pragma once

#include "block/source.h"
#include "sys/block_calls.h"

namespace talos::block {

// Which device: the path of one, or one that somebody who may has opened already. `path` is then its name in errors.
struct DeviceTarget {
  DeviceTarget(std::string path_of_it) : path(std::move(path_of_it)) {}
  explicit DeviceTarget(UniqueFd opened) : fd(std::move(opened)) {}

  std::string path;
  UniqueFd fd;
};

class Device : public ByteSource {
 public:
  // One that is open already is taken as it is: what it may be used for is for whoever opened it to say.
  static Result<Device> open(DeviceTarget target, sys::DeviceAccess access);

  [[nodiscard]] const sys::DeviceGeometry& geometry() const { return geometry_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] UniqueFd take() && { return std::move(fd_); }

  [[nodiscard]] uint64_t size_bytes() const override { return geometry_.size_bytes; }
  Result<void> read(uint64_t offset, std::span<uint8_t> out) const override {
    return sys::read_at(fd_.get(), offset, out, path_);
  }
  Result<void> write(uint64_t offset, Bytes bytes) const { return sys::write_at(fd_.get(), offset, bytes, path_); }
  Result<void> flush() const { return sys::flush_device(fd_.get(), path_); }
  // Flushes, and makes the next reads ask the medium.
  Result<void> settle() const;

 private:
  Device(UniqueFd fd, sys::DeviceGeometry geometry, std::string path)
      : fd_(std::move(fd)), geometry_(geometry), path_(std::move(path)) {}

  UniqueFd fd_;
  sys::DeviceGeometry geometry_;
  std::string path_;
};

// What a device says about itself; one that is not open is opened for reading.
Result<sys::DeviceGeometry> device_info(DeviceTarget target);

// Open to read and write, exclusively: for somebody who may not open it. EBUSY while it is in use, EROFS.
Result<UniqueFd> open_exclusively(const std::string& path);

// Puts what was written to the device, by whomever, onto the medium.
Result<void> flush(DeviceTarget target);

// Discards or zeroes a range, exclusively opened. ENOTBLK for files.
Result<void> erase(DeviceTarget target, sys::EraseKind kind, uint64_t offset, uint64_t length);

}  // namespace talos::block
