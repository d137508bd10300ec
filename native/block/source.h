// Where the bytes of a device come from: the device, or memory in tests and fuzzers.
#pragma once

#include <cstring>

#include "base/result.h"
#include "block/bytes.h"

namespace talos::block {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  [[nodiscard]] virtual uint64_t size_bytes() const = 0;
  // Fills `out` or fails: EIO with the offset in `detail` when the source ends before.
  virtual Result<void> read(uint64_t offset, std::span<uint8_t> out) const = 0;
};

inline Error beyond_the_end(uint64_t offset, size_t length) {
  return Error{EIO, "pread", {}, {}, std::to_string(length) + " bytes at byte " + std::to_string(offset) + " are not there"};
}

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(Bytes bytes) : bytes_(bytes) {}
  [[nodiscard]] uint64_t size_bytes() const override { return bytes_.size(); }
  Result<void> read(uint64_t offset, std::span<uint8_t> out) const override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset) return beyond_the_end(offset, out.size());
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }

 private:
  Bytes bytes_;
};

}  // namespace talos::block
