// Addresses, prefixes and hardware addresses as machine configurations spell them.
#include "fuzz/input.h"
#include "netlink/address.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace talos::netlink;
  using talos::fuzz::require;
  std::string text(talos::fuzz::text_of(data, size));
  if (auto prefix = parse_prefix(text)) {
    require(prefix->length <= (prefix->address.is_ipv6 ? 128 : 32), "a length that the family has");
    require(parse_address(text.substr(0, text.find('/'))).has_value(), "what stands before the slash is an address");
    if (auto broadcast = broadcast_of(*prefix)) require(!broadcast->is_ipv6, "IPv6 has no broadcast");
  }
  if (auto address = parse_address(text)) {
    require(address->view().size() == (address->is_ipv6 ? 16u : 4u), "its size");
    std::string again;
    append_address(again, *address);
    require(parse_address(again) == address, "its text means the same");
  }
  if (auto mac = parse_mac(text)) require(text.size() == mac->size() * 3 - 1 && mac->size() <= 32, "two digits a byte");
  return 0;
}
