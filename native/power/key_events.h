// Keys of an input device (evdev), as they are pressed and released.
// Source: Documentation/input/input.rst and event-codes.rst of the kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::power {

struct KeyEvent {
  // KEY_POWER is 116.
  uint16_t code = 0;
  // 0 released, 1 pressed, 2 repeated.
  int32_t value = 0;
};

struct KeyBatch {
  std::vector<KeyEvent> keys;
  // The kernel's buffer was full: events before these were lost.
  bool is_incomplete = false;
};

// What read(2) of an event device of a 64-bit machine gives: whole events of 24 bytes; those that are no keys are passed over.
// EBADMSG with the offset of one that is cut. Pure.
Result<KeyBatch> parse_key_events(std::span<const unsigned char> bytes);

// An event device, opened for reading without blocking.
class KeyReader {
 public:
  static Result<KeyReader> open(const std::string& path);

  [[nodiscard]] int fd() const { return fd_.get(); }

  // What is there, up to 64 events; an empty batch when there is nothing. ENODEV: the device is gone.
  Result<KeyBatch> read();

 private:
  KeyReader(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  UniqueFd fd_;
  std::string path_;
};

}  // namespace talos::power
