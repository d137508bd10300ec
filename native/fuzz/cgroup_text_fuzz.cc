// Every parser of control files, on the same text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cgroup/stats.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& set : talos::cgroup::kStatSets) {
    double values[16] = {};
    auto malformed = set.parse(text, values);
    if (malformed && *malformed > size) std::abort();
    // No number of a control file is negative, and nothing is written behind the values of the set.
    for (size_t index = 0; index < 16; index++) {
      if (index < set.values ? values[index] < 0 : values[index] != 0) std::abort();
    }
  }
  return 0;
}
