// Name servers in router advertisements: what is read out of the kernel's messages.
#include "netlink/name_servers.h"

#include <cstddef>

#include "test/router_option.h"
#include "test/tap.h"

namespace {

using namespace talos::netlink;
using talos::test::Blob;
using talos::test::check;
using talos::test::check_equal;
using talos::test::message_with;
using talos::test::rdnss;

std::optional<NameServers> parsed(std::string_view datagram) {
  auto messages = split_messages({reinterpret_cast<const uint8_t*>(datagram.data()), datagram.size()});
  if (!messages || messages.value().empty()) return std::nullopt;
  return parse_name_servers(messages.value()[0]);
}

std::string text_of(const IpAddress& address) {
  std::string text;
  append_address(text, address);
  return text;
}

void parses_options() {
  auto found = parsed(message_with(rdnss(600, 2)));
  if (!check(found.has_value())) return;
  check_equal(found->index, 7u);
  check_equal(found->lifetime_seconds, 600u);
  check_equal(text_of(found->router), "fe80::1");
  check_equal(found->servers.size(), 2u);
  check_equal(text_of(found->servers[1]), "2001:db8::2");
  check_equal(parsed(message_with(rdnss(0xffffffff, 127)))->servers.size(), 127u, "as many as there is room for");
  check_equal(parsed(message_with(rdnss(0xffffffff, 1)))->lifetime_seconds, 0xffffffffu);

  Batch batch;
  write(batch, *found);
  check_equal(batch.numbers().size(), 7u);
  check_equal(batch.texts(), "fe80::12001:db8::12001:db8::2");
}

void passes_over_what_is_none() {
  check(!parsed(message_with(rdnss(600, 0))), "without an address");
  Blob even = rdnss(600, 2);
  even[1] = 4;
  check(!parsed(message_with(even)), "half an address");
  Blob longer = rdnss(600, 1);
  longer[1] = 5;
  check(!parsed(message_with(longer)), "longer than it is");
  longer[1] = 0;
  check(!parsed(message_with(longer)), "without a length");
  Blob search_list = rdnss(600, 1);
  search_list[0] = 31;
  check(!parsed(message_with(search_list)), "another option");
  check(!parsed(message_with({})) && !parsed(message_with({25, 3, 0})), "no whole head");
  check(!parsed(message_with(rdnss(600, 1), {.family = AF_INET})), "another family");
  check(!parsed(message_with(rdnss(600, 1), {.icmp_type = 137})), "in a redirect");
  check(!parsed(message_with(rdnss(600, 1), {.has_router = false})), "from nobody");
  std::string overlong = message_with(rdnss(600, 1));
  overlong[sizeof(struct nlmsghdr) + offsetof(struct nduseroptmsg, nduseropt_opts_len)] = '\x7f';
  check(!parsed(overlong), "longer than the message");
  talos::test::survive_damage(message_with(rdnss(600, 2)), [](std::string_view text) { (void)parsed(text); });
}

}  // namespace

int main() {
  parses_options();
  passes_over_what_is_none();
  return talos::test::finish();
}
