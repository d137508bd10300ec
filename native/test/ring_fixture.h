// What the tests of the ring share: the model that readers are held against, and a ring whose memory a test can write to.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>

#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "ring/reader.h"
#include "ring/shared_copy.h"
#include "ring/writer.h"
#include "sys/descriptor_calls.h"

namespace talos::test {

inline constexpr size_t kSmallRing = 4096;

// With ThreadSanitizer every byte of a copy is an atomic store: tests of one thread do a part of their rounds.
#ifdef TALOS_RING_ATOMIC_BYTES
inline constexpr unsigned kSlowness = 20;
#else
inline constexpr unsigned kSlowness = 1;
#endif

inline ring::Writer make_writer(size_t bytes = kSmallRing) { return std::move(ring::Writer::create("test", bytes)).value(); }

template <typename Writer>
ring::Reader make_reader(const Writer& writer) {
  auto opened = ring::Reader::open(std::move(sys::duplicate_descriptor(writer.memory())).value());
  if (!opened) {
    std::fprintf(stderr, "a reader cannot be opened: %s\n", opened.error().detail.c_str());
    std::abort();
  }
  return std::move(opened).value();
}

// What a reader must see: all the records there ever were.
struct RingModel {
  std::vector<std::string> records;

  // Checks a slab that follows record number `next`, and moves `next` on.
  bool explains(const ring::Slab& slab, const std::byte* buffer, size_t& next) const {
    uint64_t missed_bytes = 0;
    for (uint64_t i = 0; i < slab.missed_records; ++i) {
      if (next >= records.size()) return false;
      missed_bytes += records[next++].size();
    }
    size_t at = 0;
    for (uint64_t i = 0; i < slab.records; ++i) {
      if (next >= records.size()) return false;
      const std::string& record = records[next++];
      if (record.size() > slab.bytes - at || std::memcmp(record.data(), buffer + at, record.size()) != 0) return false;
      at += record.size();
    }
    return missed_bytes == slab.missed_bytes && at == slab.bytes;
  }
};

// Mostly short, sometimes as long as can be; three of four end a line.
inline std::string random_record(std::mt19937& random, size_t max) {
  size_t length = random() % 8 == 0 ? 1 + random() % max : 1 + random() % 120;
  std::string text(length, ' ');
  for (char& letter : text) letter = static_cast<char>('!' + random() % 90);
  if (random() % 4 != 0) text.back() = '\n';
  return text;
}

// A ring that lies: sealed as it must be, and still written to.
class ForgedRing {
 public:
  ForgedRing() : fd_(std::move(sys::create_memory("forged", file_bytes())).value()) {
    base_ = static_cast<std::byte*>(::mmap(nullptr, file_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0));
    ::fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
    header()->magic = ring::kMagic;
    header()->version = ring::kVersion;
    header()->header_bytes = static_cast<uint32_t>(sys::page_bytes());
    header()->data_bytes = kSmallRing;
  }
  ~ForgedRing() { ::munmap(base_, file_bytes()); }
  ForgedRing(const ForgedRing&) = delete;
  ForgedRing& operator=(const ForgedRing&) = delete;

  ring::Header* header() { return reinterpret_cast<ring::Header*>(base_); }
  std::byte* data() { return base_ + sys::page_bytes(); }
  Result<ring::Reader> open() { return ring::Reader::open(std::move(sys::duplicate_descriptor(fd_.get())).value()); }

  void set(const ring::Positions& positions) {
    auto& slot = header()->slots[header()->published.load() % ring::kPositionsSlots];
    slot.tail = positions.tail;
    slot.tail_records = positions.tail_records;
    slot.tail_bytes = positions.tail_bytes;
    slot.head = positions.head;
    slot.head_records = positions.head_records;
    slot.head_bytes = positions.head_bytes;
    slot.last = positions.last;
  }
  // A record's header, with any byte of text behind it.
  void put(uint64_t position, const ring::RecordHeader& record) {
    for (size_t i = 0; i < sizeof record; ++i) {
      ring::copy_to_shared(data() + (position + i) % kSmallRing, reinterpret_cast<const std::byte*>(&record) + i, 1);
    }
  }
  void put(uint64_t position, uint16_t length, uint32_t previous) {
    put(position, ring::RecordHeader{length, 1, 0, previous, 0});
  }

 private:
  static size_t file_bytes() { return sys::page_bytes() + kSmallRing; }

  UniqueFd fd_;
  std::byte* base_;
};

}  // namespace talos::test
