// Blocks of getdents64(2): whatever is in them, names come out that can be names, or an error that says what.
#include "files/entries.h"
#include "fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using talos::fuzz::require;
  std::vector<talos::files::Entry> entries;
  auto parsed = talos::files::parse_entries(talos::fuzz::text_of(data, size), entries);
  for (const auto& entry : entries) {
    require(!entry.name.empty() && entry.name.find('/') == std::string::npos && entry.name != "..", "names that can be names");
  }
  require(parsed.ok() || !parsed.error().detail.empty(), "an error that says what");
  return 0;
}
