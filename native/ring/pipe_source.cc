#include "ring/pipe_source.h"

#include <cstring>
#include <memory>

#include "ring/log.h"
#include "sys/descriptor_calls.h"

namespace talos::ring {

namespace {

constexpr size_t kSlabBytes = 64 * 1024;
// Of one pipe in one turn, so that a chatty service does not keep the others waiting.
constexpr int kSlabsPerTurn = 8;

// One buffer for all pipes, since there is one reactor thread: room for an unfinished line, then a slab. Never freed, as the
// thread never ends.
char* slab_buffer() {
  static char* buffer = new char[kMaxPayloadBytes + kSlabBytes];
  return buffer;
}

}  // namespace

void PipeSource::on_ready(uint32_t) noexcept {
  char* slab = slab_buffer() + kMaxPayloadBytes;
  for (int turn = 0; turn < kSlabsPerTurn && !ended_; ++turn) {
    auto got = sys::read_nonblocking(pipe_.get(), slab, kSlabBytes);
    if (got.kind == sys::ReadOutcome::kWouldBlock) return;
    if (got.kind == sys::ReadOutcome::kEnd) {
      ended_ = true;
      log_->end_of(this, unfinished_);
      return;
    }
    // The line goes on where it stopped: its start is put right in front of the new bytes.
    char* start = slab - unfinished_.size();
    std::memcpy(start, unfinished_.data(), unfinished_.size());
    std::string_view text(start, unfinished_.size() + got.bytes);
    size_t left = log_->append(stream_, text);
    unfinished_.assign(text.substr(text.size() - left));
    if (got.bytes < kSlabBytes) return;
  }
}

}  // namespace talos::ring
