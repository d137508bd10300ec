// A disk as somebody else left it: partition tables. The first byte chooses the size of sectors.
#include "block/gpt_write.h"
#include "fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace talos::block;
  using talos::fuzz::require;
  if (size == 0) return 0;
  uint32_t sector_bytes = (data[0] & 1) != 0 ? 4096 : 512;
  auto state = read_gpt(MemorySource({data + 1, size - 1}), sector_bytes);
  if (!state || state.value().active() == nullptr) return 0;
  const GptCopy& copy = *state.value().active();
  uint64_t end = 0;
  for (const GptPartition& each : copy.partitions) {
    require(each.first_lba <= each.last_lba && each.last_lba < state.value().sectors, "partitions are on the disk");
    end = std::max(end, each.last_lba);
  }
  require(end <= copy.header.last_usable_lba, "and where they may be");
  (void)state.value().problems();
  auto plan = plan_gpt_write(table_of(copy), state.value().sectors, sector_bytes, order_for(state.value()), true, {});
  if (!plan) return 0;
  for (const GptWrite& write : plan.value()) {
    require(write.offset + write.bytes.size() <= state.value().sectors * sector_bytes, "writes stay on the disk");
  }
  return 0;
}
