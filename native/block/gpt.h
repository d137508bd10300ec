// GUID partition tables: reading and checking (UEFI specification, section 5.3). Nothing here writes.
//
// A table exists twice: header in the second sector and in the last, each with its own array of entries, each under CRC-32. Every
// copy is judged by itself, byte offsets are those of the device, and the reader says which one it went by and what is wrong with
// the other.
#pragma once

#include <vector>

#include "base/result.h"
#include "block/guid.h"
#include "block/source.h"

namespace talos::block {

struct GptHeader {
  uint64_t own_lba = 0;
  uint64_t other_lba = 0;
  uint64_t first_usable_lba = 0;
  uint64_t last_usable_lba = 0;
  Guid disk_id;
  uint64_t entries_lba = 0;
  uint32_t entry_count = 0;
  uint32_t entry_bytes = 0;
  uint32_t entries_crc = 0;
};

struct GptPartition {
  // From 1, the place in the array.
  uint32_t number = 0;
  Guid type;
  Guid id;
  uint64_t first_lba = 0;
  uint64_t last_lba = 0;  // the last one that belongs to it
  // Bit 0 required, 1 ignored by firmware, 2 legacy bootable; 48-63 the type's own (boot priorities of ChromeOS and the like).
  uint64_t attributes = 0;
  std::string name;
};

struct GptCopy {
  enum class State { kMissing, kDamaged, kValid };
  State state = State::kMissing;
  // Why it is missing or damaged, with the offset; empty when valid.
  std::string problem;
  // Reading the device failed, with this errno; 0 when the bytes are at fault.
  int errno_value = 0;
  // The rest only when valid.
  GptHeader header;
  std::vector<uint8_t> entries;
  std::vector<GptPartition> partitions;  // by number
};

struct GptState {
  uint32_t sector_bytes = 512;
  uint64_t sectors = 0;
  GptCopy primary;
  GptCopy backup;
  bool has_protective_mbr = false;
  // The copy to go by: the primary where it is valid, else the backup; nullptr when there is no table, or none that is valid.
  [[nodiscard]] const GptCopy* active() const;
  // Same disk, same partitions, byte for byte.
  [[nodiscard]] bool copies_agree() const;
  // Everything that a repair would mend, a sentence each.
  [[nodiscard]] std::vector<std::string> problems() const;
};

// EBADMSG with the fault and its byte offset in `detail`; ENOENT when there is no signature. `sector` holds one whole sector.
Result<GptHeader> parse_gpt_header(Bytes sector, uint64_t lba, uint64_t device_sectors);
// `entries` is the whole array. EBADMSG for a wrong CRC, and partitions that overlap or are outside of what the header allows.
Result<std::vector<GptPartition>> parse_gpt_entries(const GptHeader& header, Bytes entries, uint32_t sector_bytes);

// Both copies. Succeeds with active() == nullptr when there is none; a copy that cannot be read (EIO) is a damaged one.
// EINVAL for a sector size that is not a power of two from 512 to 4096, or a device with less than 6 sectors.
Result<GptState> read_gpt(const ByteSource& source, uint32_t sector_bytes);

// For those that need one: EBADMSG with what is wrong with both copies where something is there, EIO where both could not be
// read.
Result<void> require_readable(const GptState& state);

}  // namespace talos::block
