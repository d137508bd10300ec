// Reads /dev/kmsg in batches and counts what was overwritten before it came to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "kmsg/record.h"

namespace talos::kmsg {

struct BatchEntry {
  RecordHeader header;
  // Where each of its texts ends in Batch::text; one begins where the one before it ends.
  size_t message_end = 0;
  size_t subsystem_end = 0;
  size_t device_end = 0;
};

struct Batch {
  std::vector<BatchEntry> entries;
  std::string text;
  // Exact, by sequence numbers. If the very first read of a reader already finds records overwritten, their number is not known
  // and counts as 1.
  uint64_t missed = 0;
};

// Adds one record as read from the device to a batch, keeping track of sequence numbers. Pure; apart from Reader for tests.
class BatchBuilder {
 public:
  // What is no record is passed on as text under the sequence number it must have had: nothing is dropped.
  void add(std::string_view record, Batch& batch);
  void note_overwritten() { overwritten_ = true; }

 private:
  std::optional<uint64_t> expected_sequence_;
  bool overwritten_ = false;
};

// Not thread-safe: used by the JavaScript thread only.
class Reader {
 public:
  explicit Reader(UniqueFd fd) : fd_(std::move(fd)) {}

  // Up to `max_records` records and about kMaxBatchBytes of text. Never blocks. An error after records were read is reported by
  // the next call, so that those are not lost.
  Result<Batch> read(size_t max_records);
  [[nodiscard]] int fd() const { return fd_.get(); }
  void close() { fd_.reset(); }

 private:
  UniqueFd fd_;
  BatchBuilder builder_;
};

// One record a line, see format_records(). Keeps its descriptor for the life of the process: PID 1 must be able to say what is
// wrong when descriptors have run out. Any thread.
Result<void> write(int level, std::string_view text);

}  // namespace talos::kmsg
