// Whatever /proc/<pid>/stat says: the parser ends, reads nothing beyond it, and the name it gives lies within it.
#include <cstdlib>
#include <string_view>

#include "process/stat.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto stat = talos::process::parse_stat(text);
  if (!stat) return 0;
  std::string_view command = stat.value().command;
  if (command.data() < text.data() || command.data() + command.size() > text.data() + text.size()) std::abort();
  return 0;
}
