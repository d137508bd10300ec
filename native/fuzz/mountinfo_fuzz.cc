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
    require(table.value().entries.size() <= lines + 1, "no more entries than lines");
    auto flat = talos::mount::flatten(table.value());
    auto texts = static_cast<size_t>(std::count(flat.texts.begin(), flat.texts.end(), '\0'));
    require(flat.numbers.size() == 10 * table.value().entries.size(), "ten numbers a mount");
    for (size_t at = 0; at < flat.numbers.size(); at++) require(at % 10 < 2 || flat.numbers[at] < texts, "a text for each");
    for (const auto& entry : table.value().entries) {
      require(entry.mount_point.find('\0') == std::string_view::npos, "no name with a NUL");
    }
  } else {
    require(table.error().errno_value == EBADMSG && !table.error().detail.empty(), "an error that says what");
  }
  require(talos::mount::decode_octal_escapes(text).size() <= size, "decoding makes nothing longer");
  return 0;
}
