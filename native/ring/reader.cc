#include "ring/reader.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "ring/shared_copy.h"

namespace talos::ring {

namespace {

// A copy of the positions fails only when the writer has come round to it while 64 bytes were read: we were held up meanwhile.
constexpr int kLoadAttempts = 1000;
// How often a call starts over when it is overrun while it copies.
constexpr int kOverrunAttempts = 8;
// After this much copied text it is checked whether it was overwritten meanwhile: what is lost with one overrun is at most this.
constexpr size_t kChunkBytes = 64 * 1024;

// `offset` in the file.
Error corrupt(std::string what, uint64_t offset) {
  return Error{EBADMSG, "ring", {}, {}, std::move(what) + ", at offset " + std::to_string(offset)};
}

}  // namespace

Result<Reader> Reader::open(UniqueFd memory) {
  if (auto sealed = sys::require_shrink_seal(memory.get()); !sealed) return sealed.error();
  auto size = sys::file_bytes(memory.get());
  if (!size) return size.error();
  // The sizes come from the sealed file and from this kernel; the header only has to agree.
  const size_t page = sys::page_bytes();
  if (size.value() < page + kMinDataBytes || size.value() > page + kMaxDataBytes)
    return corrupt("the size is not a ring's", size.value());
  const size_t data_bytes = size.value() - page;
  if (!std::has_single_bit(data_bytes) || data_bytes < page) return corrupt("the size is not a ring's", size.value());
  auto mapping = sys::RingMapping::map(memory.get(), page, data_bytes, sys::RingMapping::Access::kRead);
  if (!mapping) return mapping.error();
  Reader reader(std::move(memory), std::move(mapping).value());
  if (reader.header_->magic != kMagic || reader.header_->header_bytes != page || reader.header_->data_bytes != data_bytes) {
    return corrupt("the header is not a ring's", 0);
  }
  if (reader.header_->version != kVersion) return corrupt("the version of the ring is unknown", offsetof(Header, version));
  if (auto sought = reader.seek_start(); !sought) return sought.error();
  return reader;
}

Reader::Reader(UniqueFd memory, sys::RingMapping mapping)
    : memory_(std::move(memory)),
      mapping_(std::move(mapping)),
      header_(reinterpret_cast<const Header*>(mapping_.header())),
      mask_(mapping_.data_bytes() - 1),
      max_payload_(max_payload_bytes(mapping_.data_bytes())) {}

Error Reader::bad_positions() const {
  const uint64_t slot = header_->published.load(std::memory_order_relaxed) % kPositionsSlots;
  return corrupt("the positions make no sense", offsetof(Header, slots) + slot * sizeof(PositionsSlot));
}

Error Reader::bad_record(uint64_t position) const {
  return corrupt("a record makes no sense", sys::page_bytes() + (position & mask_));
}

bool Reader::load(Positions& positions) const {
  for (int attempt = 0; attempt < kLoadAttempts; ++attempt) {
    const uint64_t published = header_->published.load(std::memory_order_acquire);
    const PositionsSlot& slot = header_->slots[published % kPositionsSlots];
    positions.tail = slot.tail.load(std::memory_order_relaxed);
    positions.tail_records = slot.tail_records.load(std::memory_order_relaxed);
    positions.tail_bytes = slot.tail_bytes.load(std::memory_order_relaxed);
    positions.head = slot.head.load(std::memory_order_relaxed);
    positions.head_records = slot.head_records.load(std::memory_order_relaxed);
    positions.head_bytes = slot.head_bytes.load(std::memory_order_relaxed);
    positions.last = slot.last.load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    // It is written again after the count of this one and `kPositionsSlots - 1` more.
    if (header_->published.load(std::memory_order_relaxed) - published >= kPositionsSlots - 1) continue;
    return positions.tail <= positions.head && positions.head - positions.tail <= mapping_.data_bytes() &&
           (positions.tail | positions.head) % 8 == 0 && positions.tail_records <= positions.head_records &&
           positions.tail_bytes <= positions.head_bytes;
  }
  return false;
}

bool Reader::record_at(uint64_t position, uint64_t head, RecordHeader& header) const {
  // Everything is looked at in a copy: the memory may change between two looks.
  copy_from_shared(&header, mapping_.data() + (position & mask_), sizeof header);
  return header.length != 0 && header.length <= max_payload_ && record_bytes(header.length) <= head - position &&
         header.stream >= static_cast<uint8_t>(Stream::kStdout) && header.stream <= static_cast<uint8_t>(Stream::kSystem);
}

const std::byte* Reader::text_at(uint64_t position) const { return mapping_.data() + (position & mask_) + sizeof(RecordHeader); }

Reader::Stop Reader::copy_chunk(Cursor& cursor, uint64_t head, const Target& target, Slab& slab) const {
  const size_t start = slab.bytes;
  while (cursor.position != head) {
    RecordHeader header;
    if (!record_at(cursor.position, head, header)) return Stop::kBad;
    if (header.length > target.buffer.size() - slab.bytes || slab.records >= target.max_records) return Stop::kFull;
    if (slab.bytes - start >= kChunkBytes) return Stop::kChunkFull;
    copy_from_shared(target.buffer.data() + slab.bytes, text_at(cursor.position), header.length);
    slab.bytes += header.length;
    if (target.infos != nullptr) {
      target.infos[slab.records] = {header.time_ns, static_cast<Stream>(header.stream), slab.bytes};
    }
    slab.records += 1;
    cursor.position += record_bytes(header.length);
    cursor.records += 1;
    cursor.bytes += header.length;
  }
  return Stop::kHead;
}

void Reader::skip_overwritten(const Positions& positions, Slab& slab) {
  // Saturating: a lying writer must not make a loss of minus something.
  auto difference = [](uint64_t now, uint64_t then) { return now > then ? now - then : 0; };
  const Cursor tail{positions.tail, positions.tail_records, positions.tail_bytes};
  const Cursor& to = tail.position < end_.position ? tail : end_;
  slab.missed_records += difference(to.records, cursor_.records);
  slab.missed_bytes += difference(to.bytes, cursor_.bytes);
  cursor_ = to;
}

Result<Slab> Reader::read(std::span<std::byte> buffer, RecordInfo* infos, size_t max_records) {
  const Target target{buffer, infos, max_records};
  Slab slab;
  Positions positions;
  if (!load(positions)) return bad_positions();
  // Only up to the head of now: a fast writer must not keep us here.
  uint64_t head = std::min(positions.head, end_.position);
  for (int overruns = 0; overruns < kOverrunAttempts;) {
    if (cursor_.position < positions.tail) {
      // A loss lies before the bytes of a slab. Behind some, it is the next call's to report.
      if (slab.bytes > 0) return slab;
      skip_overwritten(positions, slab);
      head = std::min(positions.head, end_.position);
    }
    if (cursor_.position >= end_.position) return slab;
    if (cursor_.position > positions.head) return bad_positions();

    const Slab before = slab;
    Cursor cursor = cursor_;
    const Stop stop = copy_chunk(cursor, head, target, slab);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (!load(positions)) return bad_positions();
    if (cursor_.position < positions.tail) {
      slab = before;
      ++overruns;
      continue;
    }
    // Not overwritten, and still no record: what came before it in this chunk is not to be trusted either.
    if (stop == Stop::kBad) return bad_record(cursor.position);
    cursor_ = cursor;
    if (stop != Stop::kChunkFull) return slab;
  }
  return slab;
}

Result<void> Reader::seek_start() {
  Positions positions;
  if (!load(positions)) return bad_positions();
  cursor_ = {positions.tail, positions.tail_records, positions.tail_bytes};
  return {};
}

Result<void> Reader::stop_at_head() {
  Positions positions;
  if (!load(positions)) return bad_positions();
  end_ = {positions.head, positions.head_records, positions.head_bytes};
  return {};
}

bool Reader::walk_back(const Positions& positions, uint64_t lines, Cursor& cursor) const {
  cursor = {positions.head, positions.head_records, positions.head_bytes};
  if (lines == 0 || positions.tail == positions.head) return true;
  uint64_t position = positions.last;
  uint64_t found = 0;
  for (;;) {
    RecordHeader header;
    // Strictly downwards, by at least a record header a step: the walk ends.
    if (position < positions.tail || position >= cursor.position || position % 8 != 0) return false;
    if (!record_at(position, cursor.position, header) || position + record_bytes(header.length) != cursor.position) return false;
    std::byte last;
    copy_from_shared(&last, text_at(position) + header.length - 1, 1);
    if (last == std::byte{'\n'} && found++ == lines) return true;
    cursor.position = position;
    cursor.records -= 1;
    cursor.bytes -= header.length;
    if (position == positions.tail) return true;
    if (header.previous > position) return false;
    position -= header.previous;
  }
}

Result<void> Reader::seek_tail(uint64_t lines) {
  for (int attempt = 0; attempt < kOverrunAttempts; ++attempt) {
    Positions positions;
    if (!load(positions)) return bad_positions();
    Cursor cursor;
    const bool made_sense = walk_back(positions, lines, cursor);
    std::atomic_thread_fence(std::memory_order_acquire);
    Positions now;
    if (!load(now)) return bad_positions();
    if (made_sense && cursor.position >= now.tail) {
      cursor_ = cursor;
      return {};
    }
    if (!made_sense && positions.tail == now.tail) return bad_record(cursor.position);
  }
  // The writer laps us faster than we can look back: the oldest record is the best that can be had.
  return seek_start();
}

}  // namespace talos::ring
