// Known marks on devices: what makes one "not empty", and what wiping zeroes. One table for both, so that they cannot disagree.
// Each mark is at a place that its format fixes; copies that nobody looks at without being told to (backup superblocks of ext4,
// secondary ones of xfs) are not among them. The table with its sources is in docs/native/block.md.
#pragma once

#include <vector>

#include "base/result.h"
#include "block/source.h"

namespace talos::block {

struct Signature {
  // 'ext' 'xfs' 'gpt' …: stable words, shown to people and compared by programs.
  const char* name = "";
  // 'filesystem' 'table' 'raid' 'volume' 'crypto' 'swap' 'cache'
  const char* usage = "";
  uint64_t offset = 0;
  uint32_t length = 0;
  bool operator==(const Signature& other) const { return offset == other.offset && length == other.length; }
};

// All marks on the device, by offset. One read of 68 KiB, four of the places of ZFS labels, about 20 of a few bytes.
// Fails only as reading does: whatever the bytes are, they are no error.
Result<std::vector<Signature>> find_signatures(const ByteSource& source);

}  // namespace talos::block
