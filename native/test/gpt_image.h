// Disks in memory with partition tables on them.
#pragma once

#include <algorithm>
#include <vector>

#include "block/gpt_write.h"
#include "test/tap.h"

namespace talos::test {

inline block::Guid guid(uint8_t first) {
  block::Guid id;
  id.bytes[0] = first;
  return id;
}

// Two partitions: one of 4 MiB with this name, and the rest.
inline block::GptTable table_for(uint64_t size_bytes, uint32_t sector_bytes, const char* name) {
  block::Guid linux_data = *block::parse_guid("0FC63DAF-8483-4772-8E79-3D69D8477DE4");
  std::vector<block::GptPartitionRequest> partitions = {{linux_data, guid(1), name, 4 * 1024 * 1024, 0x8123000000000005},
                                                        {linux_data, guid(2), "EPHEMERAL", 0, 0}};
  auto table = block::plan_gpt_layout(partitions, guid(3), size_bytes, sector_bytes, 0);
  check(table.ok());
  return table.value();
}

inline void apply(std::vector<uint8_t>& image, const block::GptWrite& write) {
  std::copy(write.bytes.begin(), write.bytes.end(), image.begin() + static_cast<ptrdiff_t>(write.offset));
}

inline std::vector<uint8_t> image_with(uint64_t size_bytes, uint32_t sector_bytes, const char* name) {
  std::vector<uint8_t> image(size_bytes);
  auto plan = block::plan_gpt_write(table_for(size_bytes, sector_bytes, name), size_bytes / sector_bytes, sector_bytes,
                                    block::GptOrder::kBackupFirst, true, {});
  check(plan.ok());
  for (const block::GptWrite& write : plan.value()) apply(image, write);
  return image;
}

}  // namespace talos::test
