// The first bytes of a device that somebody else wrote: superblocks of every family, and the table of marks.
#include "block/inspect.h"
#include "fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace talos::block;
  using talos::fuzz::require;
  auto inspection = inspect(MemorySource({data, size}));
  require(inspection.ok(), "no bytes are an error");
  for (const Filesystem& each : inspection.value().filesystems) {
    require(is_power_of_two(each.block_bytes), "blocks of a possible size");
    require(each.size_bytes > 0 && each.size_bytes <= INT64_MAX, "a possible size");
  }
  for (const Signature& each : inspection.value().signatures) {
    require(each.offset + each.length <= size, "marks are on the device");
  }
  require(inspection.value().filesystems.empty() || !inspection.value().is_empty, "a file system is not empty");
  return 0;
}
