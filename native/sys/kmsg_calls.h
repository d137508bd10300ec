// System calls on /dev/kmsg. Source: Documentation/ABI/testing/dev-kmsg of the kernel.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

enum class KmsgPosition { kStart, kEnd };

enum class KmsgOutcome {
  kRecord,      // one record is in the buffer
  kNothing,     // all was read (EAGAIN)
  kOverwritten  // the next record was overwritten (EPIPE); the kernel has moved on to the oldest one left
};

struct KmsgRead {
  KmsgOutcome outcome = KmsgOutcome::kNothing;
  size_t size = 0;
};

// A description of its own, read-only and non-blocking: two readers of one description would steal each other's records.
Result<UniqueFd> open_kmsg_reader(KmsgPosition position);

// Reads exactly one record. Never blocks on a descriptor of open_kmsg_reader().
Result<KmsgRead> read_kmsg(int fd, std::span<char> buffer);

Result<UniqueFd> open_kmsg_writer();

// Writes one record, with its prefix and newline. Sleeps as long as the consoles need to print it (1 KiB: 90 ms at 115200 baud).
Result<void> write_kmsg(int fd, std::string_view record);

}  // namespace talos::sys
