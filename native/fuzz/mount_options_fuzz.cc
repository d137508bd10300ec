// The option string of mount(2) for fsconfig(2): taken apart without loss, or not at all.
#include <algorithm>

#include "fuzz/input.h"
#include "mount/attach.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using talos::fuzz::require;
  std::string_view text = talos::fuzz::text_of(data, size);
  auto parameters = talos::mount::parse_options(text);
  if (!parameters) return 0;
  std::string again;
  for (const auto& parameter : *parameters) {
    require(!parameter.key.empty() && parameter.key.size() <= 255, "keys that the kernel takes");
    const auto* value = std::get_if<std::string>(&parameter.value);
    require(value == nullptr || value->size() <= 255, "values that the kernel takes");
    if (!again.empty()) again += ',';
    again += parameter.key + (value == nullptr ? "" : "=" + *value);
  }
  std::string expected;
  for (size_t start = 0; start <= text.size();) {
    size_t end = std::min(text.find(',', start), text.size());
    if (end > start) expected += (expected.empty() ? "" : ",") + std::string(text.substr(start, end - start));
    start = end + 1;
  }
  require(again == expected, "nothing is lost");
  return 0;
}
