#include "power/key_events.h"

#include <cstring>
#include <utility>

#include "sys/input_calls.h"

namespace talos::power {
namespace {

// struct input_event: 16 bytes of time, then type, code and value.
constexpr size_t kEventSize = 24;
constexpr size_t kTypeOffset = 16;
constexpr size_t kCodeOffset = 18;
constexpr size_t kValueOffset = 20;
constexpr size_t kMaxEvents = 64;

// EV_SYN with SYN_DROPPED, and EV_KEY.
constexpr uint16_t kSynchronisation = 0;
constexpr uint16_t kDropped = 3;
constexpr uint16_t kKey = 1;

template <typename T>
T value_at(std::span<const unsigned char> bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace

Result<KeyBatch> parse_key_events(std::span<const unsigned char> bytes) {
  KeyBatch batch;
  for (size_t at = 0; at < bytes.size(); at += kEventSize) {
    if (bytes.size() - at < kEventSize) {
      return Error{EBADMSG, "read", {}, {}, "an event that is cut at byte " + std::to_string(at)};
    }
    auto type = value_at<uint16_t>(bytes, at + kTypeOffset);
    auto code = value_at<uint16_t>(bytes, at + kCodeOffset);
    if (type == kSynchronisation && code == kDropped) batch.is_incomplete = true;
    if (type == kKey) batch.keys.push_back({code, value_at<int32_t>(bytes, at + kValueOffset)});
  }
  return batch;
}

Result<KeyReader> KeyReader::open(const std::string& path) {
  auto fd = sys::open_input(path);
  if (!fd) return fd.error();
  return KeyReader(std::move(fd).value(), path);
}

Result<KeyBatch> KeyReader::read() {
  unsigned char buffer[kMaxEvents * kEventSize];
  auto size = sys::read_input(fd_.get(), path_, buffer);
  if (!size) return size.error();
  return parse_key_events(std::span(buffer, size.value()));
}

}  // namespace talos::power
