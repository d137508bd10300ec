#include "kmsg/reader.h"

#include <array>
#include <mutex>

#include "sys/kmsg_calls.h"

namespace talos::kmsg {
namespace {

// Above the longest record that any kernel makes (8 KiB with all escapes); a shorter buffer would be EINVAL.
constexpr size_t kRecordBytes = 16 * 1024;
constexpr size_t kMaxBatchBytes = 256 * 1024;
// How often one call goes on after the kernel has overwritten what it was about to read: a storm must not keep us here.
constexpr int kMaxOverwritten = 16;

}  // namespace

void BatchBuilder::add(std::string_view record, Batch& batch) {
  RecordHeader header;
  RecordTexts texts;
  if (!parse_record(record, header, texts)) {
    header = {.facility = 0, .level = 6, .sequence = expected_sequence_.value_or(0), .timestamp_us = 0, .is_fragment = false};
    texts = {.message = record, .subsystem = {}, .device = {}};
  }
  if (expected_sequence_ && header.sequence > *expected_sequence_) {
    batch.missed += header.sequence - *expected_sequence_;
  } else if (!expected_sequence_ && overwritten_) {
    batch.missed += 1;
  }
  overwritten_ = false;
  expected_sequence_ = header.sequence + 1;
  BatchEntry entry{.header = header};
  append_decoded(texts.message, batch.text);
  entry.message_end = batch.text.size();
  append_decoded(texts.subsystem, batch.text);
  entry.subsystem_end = batch.text.size();
  append_decoded(texts.device, batch.text);
  entry.device_end = batch.text.size();
  batch.entries.push_back(entry);
}

Result<Batch> Reader::read(size_t max_records) {
  if (!fd_) return Error{ECANCELED, "read", "/dev/kmsg", {}, "the reader is closed"};
  std::array<char, kRecordBytes> buffer;
  Batch batch;
  int overwritten = 0;
  while (batch.entries.size() < max_records && batch.text.size() < kMaxBatchBytes && overwritten < kMaxOverwritten) {
    auto outcome = sys::read_kmsg(fd_.get(), buffer);
    if (!outcome && batch.entries.empty()) return outcome.error();
    if (!outcome || outcome.value().outcome == sys::KmsgOutcome::kNothing) break;
    if (outcome.value().outcome == sys::KmsgOutcome::kOverwritten) {
      builder_.note_overwritten();
      ++overwritten;
    } else {
      builder_.add(std::string_view(buffer.data(), outcome.value().size), batch);
    }
  }
  return batch;
}

Result<void> write(int level, std::string_view text) {
  // SAFETY: both are never destroyed, so a write at exit cannot find them gone.
  static std::mutex& mutex = *new std::mutex;
  static UniqueFd& device = *new UniqueFd;
  std::lock_guard lock(mutex);
  if (!device) {
    auto opened = sys::open_kmsg_writer();
    if (!opened) return opened.error();
    device = std::move(opened).value();
  }
  for (const std::string& record : format_records(level, text)) {
    if (auto written = sys::write_kmsg(device.get(), record); !written) return written;
  }
  return {};
}

}  // namespace talos::kmsg
