// Events of an input device.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "power/key_events.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto batch = talos::power::parse_key_events({data, size});
  if (batch.ok() != (size % 24 == 0)) std::abort();
  if (batch && batch.value().keys.size() > size / 24) std::abort();
  return 0;
}
