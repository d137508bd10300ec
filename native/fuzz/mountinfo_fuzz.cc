// /proc/self/mountinfo: names in it are chosen by whoever mounts.
#include <algorithm>

#include "fuzz/input.h"
#include "mount/mountinfo.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using talos::fuzz::require;
  std::string_view text = talos::fuzz::text_of(data, size);
  auto table = talos::mount::parse_mount_info(text);
  if (table) {
    auto lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
    require(table.value().size() <= lines + 1, "no more entries than lines");
  } else {
    require(table.error().errno_value == EBADMSG && !table.error().detail.empty(), "an error that says what");
  }
  require(talos::mount::decode_octal_escapes(text).size() <= size, "decoding makes nothing longer");
  return 0;
}
