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

// What a record says beside its text.
struct RecordInfo {
  uint64_t time_ns = 0;  // CLOCK_REALTIME
  Stream stream = Stream::kStdout;
  // Where its text ends in the slab; it begins where that of the record before it ends.
  size_t text_end = 0;
};

class Reader {
 public:
  // Takes the memory over, starts at the oldest record. EINVAL: not sealed. EBADMSG: no ring of this version.
  static Result<Reader> open(UniqueFd memory);

  Reader(Reader&&) noexcept = default;

  Result<void> seek_start();
  // To where the newest `lines` lines follow; 0 is the end.
  Result<void> seek_tail(uint64_t lines);
  // Nothing that is written from now on is read: `read` ends where the newest record of this moment does.
  Result<void> stop_at_head();
  // Copies as many whole records as fit. No bytes and nothing missed: there is nothing new. A buffer of max_payload() always
  // suffices to get on. Never sleeps. Its work is bounded by the buffer and kOverrunAttempts chunks, whatever the memory holds.
  Result<Slab> read(std::span<std::byte> buffer) { return read(buffer, nullptr, SIZE_MAX); }
  // The same, and what each record says of itself: as many records as `infos` has room for.
  Result<Slab> read(std::span<std::byte> buffer, std::span<RecordInfo> infos) { return read(buffer, infos.data(), infos.size()); }

  [[nodiscard]] size_t max_payload() const { return max_payload_; }

 private:
  struct Cursor {
    uint64_t position = 0;
    uint64_t records = 0;
    uint64_t bytes = 0;
  };
  enum class Stop { kHead, kFull, kChunkFull, kBad };
  // Where a call puts what it reads.
  struct Target {
    std::span<std::byte> buffer;
    RecordInfo* infos;  // or null
    size_t max_records;
  };

  Reader(UniqueFd memory, sys::RingMapping mapping);

  [[nodiscard]] Error bad_positions() const;
  [[nodiscard]] Error bad_record(uint64_t position) const;
  // False: no consistent positions to be had.
  [[nodiscard]] bool load(Positions& positions) const;
  // A record that begins in [from, head) and makes sense.
  [[nodiscard]] bool record_at(uint64_t position, uint64_t head, RecordHeader& header) const;
  [[nodiscard]] const std::byte* text_at(uint64_t position) const;
  Result<Slab> read(std::span<std::byte> buffer, RecordInfo* infos, size_t max_records);
  Stop copy_chunk(Cursor& cursor, uint64_t head, const Target& target, Slab& slab) const;
  [[nodiscard]] bool walk_back(const Positions& positions, uint64_t lines, Cursor& cursor) const;
  // When the cursor's record is gone: on to the oldest one, or to where this reader stops, with the loss counted.
  void skip_overwritten(const Positions& positions, Slab& slab);

  UniqueFd memory_;
  sys::RingMapping mapping_;
  const Header* header_;
  uint64_t mask_;
  size_t max_payload_;
  Cursor cursor_;
  // Where it stops; far beyond every ring unless stop_at_head() said so.
  Cursor end_{UINT64_MAX, UINT64_MAX, UINT64_MAX};
};

}  // namespace talos::ring
