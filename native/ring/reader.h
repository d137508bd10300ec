// The reading end of a log ring: another process's memory, so nothing found there is trusted. Whatever it holds, a call ends,
// stays within the mapping, and reports EBADMSG when the content makes no sense.
#pragma once

#include <cstdint>
#include <span>

#include "ring/format.h"
#include "sys/memory_calls.h"

namespace talos::ring {

struct Slab {
  size_t bytes = 0;
  uint64_t records = 0;
  // Overwritten before this reader came to it; lies before the bytes.
  uint64_t missed_records = 0;
  uint64_t missed_bytes = 0;
};

class Reader {
 public:
  // Takes the memory over, starts at the oldest record. EINVAL: not sealed. EBADMSG: no ring of this version.
  static Result<Reader> open(UniqueFd memory);

  Reader(Reader&&) noexcept = default;

  Result<void> seek_start();
  // To where the newest `lines` lines follow; 0 is the end.
  Result<void> seek_tail(uint64_t lines);
  // Copies as many whole records as fit. No bytes and nothing missed: there is nothing new. A buffer of max_payload() always
  // suffices to get on. Never sleeps.
  Result<Slab> read(std::span<std::byte> buffer);

  [[nodiscard]] size_t max_payload() const { return max_payload_; }

 private:
  struct Cursor {
    uint64_t position = 0;
    uint64_t records = 0;
    uint64_t bytes = 0;
  };
  enum class Stop { kHead, kBufferFull, kChunkFull, kBad };

  Reader(UniqueFd memory, sys::RingMapping mapping);

  // False: no consistent positions to be had.
  [[nodiscard]] bool load(Positions& positions) const;
  // A record that begins in [from, head) and makes sense.
  [[nodiscard]] bool record_at(uint64_t position, uint64_t head, RecordHeader& header) const;
  [[nodiscard]] const std::byte* text_at(uint64_t position) const;
  Stop copy_chunk(Cursor& cursor, uint64_t head, std::span<std::byte> buffer, Slab& slab) const;
  [[nodiscard]] bool walk_back(const Positions& positions, uint64_t lines, Cursor& cursor) const;
  // When the cursor's record is gone: on to the oldest one, with the loss counted.
  void skip_overwritten(const Positions& positions, Slab& slab);

  UniqueFd memory_;
  sys::RingMapping mapping_;
  const Header* header_;
  uint64_t mask_;
  size_t max_payload_;
  Cursor cursor_;
};

}  // namespace talos::ring
