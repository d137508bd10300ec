// memfd_create(2), seals and the mapping of a ring: once for its header, twice in a row for its data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

size_t page_bytes();

// A new shared memory file of `bytes` zeros, not executable, that can be sealed.
Result<UniqueFd> create_memory(const std::string& name, size_t bytes);

// Against shrinking, growing, later writable mappings and write(2), and against more seals: whoever holds the descriptor can only
// read, and needs not fear SIGBUS. Mappings made before stay writable.
Result<void> seal_memory(int fd);

// Fails with EINVAL when the file could shrink under a mapping (that is, when it is no sealed memory file).
Result<void> require_shrink_seal(int fd);

// A descriptor of the same file opened for reading only. Needs /proc.
Result<UniqueFd> reopen_read_only(int fd);

Result<size_t> file_bytes(int fd);

// The file as header, data, and the data again: a record that crosses the end of the data is contiguous. Unmapped at the end.
class RingMapping {
 public:
  enum class Access { kRead, kReadWrite };

  // Both sizes are multiples of the page size; the file has at least their sum.
  static Result<RingMapping> map(int fd, size_t header_bytes, size_t data_bytes, Access access);

  RingMapping(RingMapping&& other) noexcept;
  RingMapping& operator=(RingMapping&&) = delete;
  ~RingMapping();

  [[nodiscard]] std::byte* header() const { return base_; }
  [[nodiscard]] std::byte* data() const { return base_ + header_bytes_; }
  [[nodiscard]] size_t data_bytes() const { return data_bytes_; }

 private:
  RingMapping(std::byte* base, size_t header_bytes, size_t data_bytes)
      : base_(base), header_bytes_(header_bytes), data_bytes_(data_bytes) {}
  [[nodiscard]] size_t total() const { return header_bytes_ + 2 * data_bytes_; }

  std::byte* base_;
  size_t header_bytes_;
  size_t data_bytes_;
};

}  // namespace talos::sys
