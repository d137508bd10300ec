// An open block device (or a file that holds the image of one).
#pragma once

#include "block/source.h"
#include "sys/block_calls.h"

namespace talos::block {

class Device : public ByteSource {
 public:
  static Result<Device> open(const std::string& path, sys::DeviceAccess access);

  [[nodiscard]] const sys::DeviceGeometry& geometry() const { return geometry_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int fd() const { return fd_.get(); }

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

// What a device says about itself; opens it for reading.
Result<sys::DeviceGeometry> device_info(const std::string& path);

// Puts what was written to the device, by whomever, onto the medium.
Result<void> flush(const std::string& path);

// Discards or zeroes a range, exclusively opened. ENOTBLK for files.
Result<void> erase(const std::string& path, sys::EraseKind kind, uint64_t offset, uint64_t length);

}  // namespace talos::block
