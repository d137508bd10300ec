// The code of BasicWriter: for writer.cc, and for tests with stores of their own.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <vector>

#include "ring/writer.h"

namespace talos::ring {

// Room is made in steps of this part of the ring: often enough not to give up much at once, seldom enough not to cost anything.
inline constexpr size_t kStrideDivisor = 16;
inline constexpr size_t kMaxStride = 64 * 1024;
// A line that is continued over more records than this is cut when it is shown as the last one.
inline constexpr size_t kMaxPiecesOfLastLine = 1024;

template <typename Stores>
Result<BasicWriter<Stores>> BasicWriter<Stores>::create(const std::string& name, size_t data_bytes) {
  const size_t page = sys::page_bytes();
  if (!std::has_single_bit(data_bytes) || data_bytes < kMinDataBytes || data_bytes < page || data_bytes > kMaxDataBytes) {
    return Error{EINVAL, "ring", name, {}, "the size must be a power of two of at least a page"};
  }
  auto memory = sys::create_memory("talos-log-" + name, page + data_bytes);
  if (!memory) return memory.error();
  // The only writable mapping there will ever be, and so made before the seal.
  auto mapping = sys::RingMapping::map(memory.value().get(), page, data_bytes, sys::RingMapping::Access::kReadWrite);
  if (!mapping) return mapping.error();
  if (auto sealed = sys::seal_memory(memory.value().get()); !sealed) return sealed.error();
  auto read_only = sys::reopen_read_only(memory.value().get());
  if (!read_only) return read_only.error();
  return BasicWriter(std::move(read_only).value(), std::move(mapping).value());
}

template <typename Stores>
BasicWriter<Stores>::BasicWriter(UniqueFd memory, sys::RingMapping mapping)
    : memory_(std::move(memory)),
      mapping_(std::move(mapping)),
      header_(::new (static_cast<void*>(mapping_.header())) Header()),
      mask_(mapping_.data_bytes() - 1),
      max_payload_(max_payload_bytes(mapping_.data_bytes())),
      stride_(std::min(mapping_.data_bytes() / kStrideDivisor, kMaxStride)) {
  header_->magic = kMagic;
  header_->version = kVersion;
  header_->header_bytes = static_cast<uint32_t>(sys::page_bytes());
  header_->data_bytes = mapping_.data_bytes();
}

template <typename Stores>
RecordHeader BasicWriter<Stores>::header_at(uint64_t position) const {
  RecordHeader header;
  std::memcpy(&header, at(position), sizeof header);
  return header;
}

template <typename Stores>
std::string_view BasicWriter<Stores>::text_at(uint64_t position) const {
  return {reinterpret_cast<const char*>(at(position) + sizeof(RecordHeader)), header_at(position).length};
}

template <typename Stores>
void BasicWriter<Stores>::make_room(size_t bytes) noexcept {
  const uint64_t end = positions_.head + std::max(bytes, stride_);
  while (end - positions_.tail > data_bytes() && positions_.tail != positions_.head) {
    const size_t length = header_at(positions_.tail).length;
    positions_.tail += record_bytes(length);
    positions_.tail_records += 1;
    positions_.tail_bytes += length;
  }
  publish();
}

template <typename Stores>
void BasicWriter<Stores>::append(Stream stream, uint64_t time_ns, std::string_view text) noexcept {
  const size_t bytes = record_bytes(text.size());
  if (positions_.head + bytes - positions_.tail > data_bytes()) make_room(bytes);
  const RecordHeader header{static_cast<uint16_t>(text.size()), static_cast<uint8_t>(stream), 0, previous_bytes_, time_ns};
  std::byte* out = at(positions_.head);
  Stores::copy(out, &header, sizeof header);
  Stores::copy(out + sizeof header, text.data(), text.size());
  positions_.last = positions_.head;
  positions_.head += bytes;
  positions_.head_records += 1;
  positions_.head_bytes += text.size();
  previous_bytes_ = static_cast<uint32_t>(bytes);
}

template <typename Stores>
std::string_view BasicWriter<Stores>::append_lines(Stream stream, uint64_t time_ns, std::string_view text) noexcept {
  while (!text.empty()) {
    const size_t searched = std::min(text.size(), max_payload_);
    const void* newline = std::memchr(text.data(), '\n', searched);
    if (newline == nullptr && text.size() < max_payload_) break;
    const size_t length =
        newline == nullptr ? max_payload_ : static_cast<size_t>(static_cast<const char*>(newline) - text.data()) + 1;
    append(stream, time_ns, text.substr(0, length));
    text.remove_prefix(length);
  }
  return text;
}

template <typename Stores>
void BasicWriter<Stores>::publish() noexcept {
  const uint64_t next = published_ + 1;
  PositionsSlot& slot = header_->slots[next % kPositionsSlots];
  // Two fences, one idea: the slot must not change before readers can see that it is out of use (the counts before), and no
  // record may be overwritten before readers can see that it is given up (the count of this time).
  std::atomic_thread_fence(std::memory_order_release);
  Stores::store(slot.tail, positions_.tail, std::memory_order_relaxed);
  Stores::store(slot.tail_records, positions_.tail_records, std::memory_order_relaxed);
  Stores::store(slot.tail_bytes, positions_.tail_bytes, std::memory_order_relaxed);
  Stores::store(slot.head, positions_.head, std::memory_order_relaxed);
  Stores::store(slot.head_records, positions_.head_records, std::memory_order_relaxed);
  Stores::store(slot.head_bytes, positions_.head_bytes, std::memory_order_relaxed);
  Stores::store(slot.last, positions_.last, std::memory_order_relaxed);
  Stores::store(header_->published, next, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_release);
  published_ = next;
}

template <typename Stores>
std::string BasicWriter<Stores>::last_line(size_t max_bytes) const {
  auto step_back = [this](uint64_t& position) {
    if (position == positions_.tail) return false;
    position -= header_at(position).previous;
    return true;
  };
  if (positions_.tail == positions_.head) return {};
  uint64_t position = positions_.last;
  while (!text_at(position).ends_with('\n')) {
    if (!step_back(position)) return {};
  }
  // The record that ends the line, and before it, perhaps between records of the other stream, those that it continues.
  std::vector<uint64_t> pieces{position};
  const uint8_t stream = header_at(position).stream;
  while (pieces.size() < kMaxPiecesOfLastLine && step_back(position)) {
    if (header_at(position).stream != stream) continue;
    if (text_at(position).ends_with('\n')) break;
    pieces.push_back(position);
  }
  std::string line;
  for (auto piece = pieces.rbegin(); piece != pieces.rend() && line.size() < max_bytes; ++piece) {
    line.append(text_at(*piece).substr(0, max_bytes - line.size()));
  }
  if (line.ends_with('\n')) line.pop_back();
  return line;
}

}  // namespace talos::ring
