// The writing end of a log ring. Not thread-safe: its owner (ring::Log) holds a lock.
#pragma once

#include <string>
#include <string_view>

#include "ring/format.h"
#include "ring/stores.h"
#include "sys/memory_calls.h"

namespace talos::ring {

// `Stores`: see ring/stores.h; anything but DirectStores is for tests, which include ring/writer_impl.h.
template <typename Stores>
class BasicWriter {
 public:
  // `data_bytes`: a power of two, at least kMinDataBytes and a page.
  static Result<BasicWriter> create(const std::string& name, size_t data_bytes);

  BasicWriter(BasicWriter&&) noexcept = default;

  // Appends one record; `text` is at most max_payload() long. Readers see it after publish().
  void append(Stream stream, uint64_t time_ns, std::string_view text) noexcept;

  // Appends the complete lines at the start of `text`, a record each, and full records of a line that is longer than one. Returns
  // what is left over: the start of a line, shorter than max_payload().
  std::string_view append_lines(Stream stream, uint64_t time_ns, std::string_view text) noexcept;

  // Shows readers everything that was appended.
  void publish() noexcept;

  // The newest complete line without its newline, at most `max_bytes` of it; empty when there is none.
  [[nodiscard]] std::string last_line(size_t max_bytes) const;

  [[nodiscard]] const Positions& positions() const { return positions_; }
  [[nodiscard]] size_t max_payload() const { return max_payload_; }
  [[nodiscard]] size_t data_bytes() const { return mapping_.data_bytes(); }
  // Sealed, opened for reading only.
  [[nodiscard]] int memory() const { return memory_.get(); }

 private:
  BasicWriter(UniqueFd memory, sys::RingMapping mapping);

  // Gives up old records until `bytes` more fit behind the head, and tells readers before anything is overwritten.
  void make_room(size_t bytes) noexcept;
  [[nodiscard]] std::byte* at(uint64_t position) const { return mapping_.data() + (position & mask_); }
  [[nodiscard]] RecordHeader header_at(uint64_t position) const;
  [[nodiscard]] std::string_view text_at(uint64_t position) const;

  UniqueFd memory_;
  sys::RingMapping mapping_;
  Header* header_;
  uint64_t mask_;
  size_t max_payload_;
  size_t stride_;
  // Our own truth. The shared copy is written and, but for the records themselves, never read back.
  Positions positions_;
  uint64_t published_ = 0;
  uint32_t previous_bytes_ = 0;
};

extern template class BasicWriter<DirectStores>;
using Writer = BasicWriter<DirectStores>;

}  // namespace talos::ring
