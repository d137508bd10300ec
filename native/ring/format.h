// The log ring in memory, as writer and readers share it. Described in docs/native/ring.md; version 2.
//
//   page 0     Header: what the file is, and the last copies of the positions
//   page 1 …   data, a power of two of bytes; records lie at position % data_bytes and are mapped contiguously
//
// Positions are byte counts since the ring was made; they only grow, and 64 bits do not wrap in practice. There is one writer.
//
// Publishing: the writer fills the oldest copy of the positions (slots[(published + 1) % kPositionsSlots]) and then counts
// `published` up. A reader takes slots[published % kPositionsSlots] and keeps it unless `published` says afterwards that the
// writer may have come round to that copy again. So neither waits for the other: a writer that is interrupted half way leaves the
// copies before whole, and one that publishes while its reader waits for a cache line, as it does when it is fast, spoils
// nothing.
//
// Overwriting: before the writer touches bytes of an old record, it publishes positions whose `tail` lies behind that record. A
// reader copies first and looks at `tail` afterwards: what it copied is good if it began at or behind `tail`.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace talos::ring {

constexpr uint64_t kMagic = 0x676f6c736f6c6174;  // "taloslog", little endian
constexpr uint32_t kVersion = 2;
constexpr size_t kPositionsSlots = 16;
constexpr size_t kMinDataBytes = 4096;
constexpr size_t kMaxDataBytes = size_t{1} << 30;

enum class Stream : uint8_t { kStdout = 1, kStderr = 2, kSystem = 3 };

// A record: this header, `length` bytes of text, padding to a multiple of 8.
//
// The text of a record that ends a line has its newline; a record without one is continued by the next of its stream.
struct RecordHeader {
  uint16_t length;
  uint8_t stream;
  uint8_t reserved;   // 0
  uint32_t previous;  // bytes from the start of the record before to this one; 0 in the first of all
  uint64_t time_ns;   // CLOCK_REALTIME
};
static_assert(sizeof(RecordHeader) == 16);

constexpr size_t kMaxPayloadBytes = 16 * 1024;

constexpr size_t record_bytes(size_t payload) { return (sizeof(RecordHeader) + payload + 7) & ~size_t{7}; }

// Longest text of one record; longer lines are split. A small ring holds at least four of the longest.
constexpr size_t max_payload_bytes(size_t data_bytes) {
  size_t quarter = data_bytes / 4 - sizeof(RecordHeader);
  return quarter < kMaxPayloadBytes ? quarter : kMaxPayloadBytes;
}

// What the writer tells its readers, all of it valid at one moment.
struct Positions {
  uint64_t tail = 0;          // start of the oldest record
  uint64_t tail_records = 0;  // records before it, and the bytes of their text
  uint64_t tail_bytes = 0;
  uint64_t head = 0;  // end of the newest record
  uint64_t head_records = 0;
  uint64_t head_bytes = 0;
  uint64_t last = 0;  // start of the newest record; meaningless while tail == head
};

struct alignas(64) PositionsSlot {
  std::atomic<uint64_t> tail;
  std::atomic<uint64_t> tail_records;
  std::atomic<uint64_t> tail_bytes;
  std::atomic<uint64_t> head;
  std::atomic<uint64_t> head_records;
  std::atomic<uint64_t> head_bytes;
  std::atomic<uint64_t> last;
};

struct Header {
  uint64_t magic;
  uint32_t version;
  uint32_t header_bytes;  // offset of the data in the file: the page size
  uint64_t data_bytes;
  alignas(64) std::atomic<uint64_t> published;
  PositionsSlot slots[kPositionsSlots];
};
static_assert(std::atomic<uint64_t>::is_always_lock_free && sizeof(std::atomic<uint64_t>) == 8);
static_assert(offsetof(Header, published) == 64 && offsetof(Header, slots) == 128 &&
              sizeof(Header) == 128 + kPositionsSlots * 64);

}  // namespace talos::ring
