// Addresses, prefixes and hardware addresses: from text and back.
#include "netlink/address.h"
#include "test/tap.h"

namespace {

using namespace talos::netlink;
using talos::test::check;
using talos::test::check_equal;

void parses_addresses() {
  using talos::netlink::parse_prefix;
  auto prefix = parse_prefix("10.5.0.2/24");
  check(prefix.has_value());
  check_equal(prefix->length, 24);
  check_equal(prefix->address.view().size(), 4u);
  auto broadcast = talos::netlink::broadcast_of(*prefix);
  check(broadcast && broadcast->bytes[2] == 0 && broadcast->bytes[3] == 255);
  check(talos::netlink::broadcast_of(*parse_prefix("10.0.0.1/13"))->bytes[1] == 7);
  check(!talos::netlink::broadcast_of(*parse_prefix("10.0.0.1/31")));
  check(!talos::netlink::broadcast_of(*parse_prefix("fd00::1/64")));
  check_equal(parse_prefix("fd00::1/128")->address.view().size(), 16u);
  check_equal(parse_prefix("0.0.0.0/0")->length, 0);
  for (const char* bad : {"", "10.5.0.2", "10.5.0.2/", "10.5.0.2/33", "10.5.0.2/-1", "10.5.0.2/ 8", "10.5.0/8", "010.5.0.2/8",
                          "10.5.0.2/8x", "fd00::1/129", "fd00::1%eth0/64", "/8", "host/8", "10.5.0.2/300"}) {
    check(!parse_prefix(bad), bad);
  }
}

void writes_addresses() {
  auto written = [](const char* text) {
    std::string again;
    append_address(again, *talos::netlink::parse_address(text));
    return again;
  };
  for (const char* address : {"0.0.0.0", "10.5.0.255", "255.255.255.255", "::", "::1", "fd00::5:0:0:1", "fe80::1"}) {
    check_equal(written(address), address);
  }
  check_equal(written("FD00:0:0:0::1"), "fd00::1", "RFC 5952");
  std::string text;
  append_prefix(text, *talos::netlink::parse_prefix("10.0.0.0/8"));
  check_equal(text, "10.0.0.0/8");
  auto mac = talos::netlink::parse_mac("02:00:5E:10:00:ff");
  check(mac.has_value());
  text.clear();
  append_mac(text, *mac);
  check_equal(text, "02:00:5e:10:00:ff");
  std::string longest = "00";
  while (longest.size() < 32 * 3 - 1) longest += ":00";
  check_equal(talos::netlink::parse_mac(longest)->size(), 32u);
  for (const std::string& bad : {std::string(), std::string("0"), std::string("00:"), std::string("00:0"), std::string("00-00"),
                                 std::string("0g:00"), std::string(":00"), std::string("+1:00"), longest + ":00"}) {
    check(!talos::netlink::parse_mac(bad), bad);
  }
}

}  // namespace

int main() {
  parses_addresses();
  writes_addresses();
  return talos::test::finish();
}
