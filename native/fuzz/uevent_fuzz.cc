// Messages of the uevent socket. Only the kernel sends what is parsed, but device names come from devices.
#include "fuzz/input.h"
#include "netlink/uevent.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using talos::fuzz::require;
  auto event = talos::netlink::parse_uevent(talos::fuzz::text_of(data, size));
  if (!event) return 0;
  size_t length = 0;
  for (const auto& [key, value] : event->properties) {
    require(!key.empty() && key.find('=') == std::string::npos, "a key without an equals sign");
    require(key.find('\0') == std::string::npos && value.find('\0') == std::string::npos, "strings end at NUL");
    length += key.size() + value.size() + 1;
  }
  require(length <= size, "nothing comes from elsewhere");
  return 0;
}
