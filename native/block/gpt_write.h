// Writing a partition table so that a power cut leaves a valid one at each point: which bytes, in which order, with which
// flushes.
//
// The copy that a reader would not go by is written first, then the other one, then the protective MBR, after everything it
// announces:
//   1. backup entries, flush, backup header, flush    the primary is as it was: the old table counts; on an empty disk none does,
//                                                     and it is empty until the header is there
//   2. primary entries, flush, primary header, flush  the backup is whole: the new table counts, whatever the primary looks like
//   3. protective MBR, flush                          only what is complete is shown to those who look at nothing else
// Where only the backup is valid before, 2 comes before 1. The flush before each header is for the empty disk: a header that the
// device kept without its entries would be a damaged table, and no longer nothing.
#pragma once

#include <optional>
#include <vector>

#include "block/gpt.h"

namespace talos::block {

struct GptTable {
  Guid disk_id;
  uint64_t first_usable_lba = 0;
  uint64_t last_usable_lba = 0;
  // Of the primary copy; 2 unless somebody moved it.
  uint64_t entries_lba = 2;
  uint32_t entry_count = 128;
  uint32_t entry_bytes = 128;
  std::vector<uint8_t> entries;
};

struct GptWrite {
  const char* what = "";
  uint64_t offset = 0;
  std::vector<uint8_t> bytes;
  bool flush_after = false;
};

enum class GptOrder { kBackupFirst, kPrimaryFirst };

// The table of a valid copy, as it is.
GptTable table_of(const GptCopy& copy);

// The order that keeps what `state` goes by for longest.
GptOrder order_for(const GptState& state);

// Pure. `boot_code`: the first 440 bytes of the disk when they are to be kept, else empty; `with_mbr` false leaves the first
// sector alone. ENOSPC when entries and usable sectors do not fit on a disk of that many sectors.
Result<std::vector<GptWrite>> plan_gpt_write(const GptTable& table, uint64_t sectors, uint32_t sector_bytes, GptOrder order,
                                             bool with_mbr, Bytes boot_code);

struct GptPartitionRequest {
  Guid type;
  // Zero: made at random by the caller of plan_gpt_layout.
  Guid id;
  std::string name;
  // 0: all that is left; for the last one only.
  uint64_t size_bytes = 0;
  uint64_t attributes = 0;
};

// Pure. Partitions one behind the other, each beginning and ending at a multiple of 1 MiB, and of the device's optimal request
// size where that has a common multiple with it of at most 64 MiB. EINVAL and ENOSPC say which partition and why.
Result<GptTable> plan_gpt_layout(const std::vector<GptPartitionRequest>& partitions, const Guid& disk_id, uint64_t size_bytes,
                                 uint32_t sector_bytes, uint32_t optimal_io_bytes);

// What becomes of a partition that is there already.
struct GptChange {
  uint32_t number = 0;
  std::optional<uint64_t> attributes;
  // Up to the end of the disk, less what the backup and the alignment need. Its beginning stays.
  bool grows = false;
};

// Pure. The table of a valid copy with some partitions changed; everything else stays byte for byte, the identifiers and the
// places of all others too. ENOENT for a number without a partition; EINVAL when another one lies behind the one that is to grow.
Result<GptTable> plan_gpt_changes(const GptCopy& copy, const std::vector<GptChange>& changes, uint64_t sectors,
                                  uint32_t sector_bytes);

}  // namespace talos::block
