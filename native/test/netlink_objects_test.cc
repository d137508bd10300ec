// What the kernel says about links, addresses, routes, rules and neighbours, in bytes that it really sent, and what we ask of it.
#include <sys/socket.h>

#include "netlink/address.h"
#include "netlink/dump.h"
#include "netlink/interface_address.h"
#include "netlink/link.h"
#include "netlink/neighbour.h"
#include "netlink/objects.h"
#include "netlink/route.h"
#include "netlink/rule.h"
#include "sys/netlink_calls.h"
#include "test/tap.h"

namespace {

using talos::Result;
using talos::test::check;
using talos::test::check_equal;
using namespace talos::netlink;

std::vector<uint8_t> from_hex(std::string_view digits) {
  std::vector<uint8_t> bytes;
  for (size_t at = 0; at + 1 < digits.size(); at += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoi(std::string(digits.substr(at, 2)), nullptr, 16)));
  }
  return bytes;
}

std::string text_of(const IpPrefix& prefix) {
  std::string text;
  append_prefix(text, prefix);
  return text;
}

std::string text_of(const std::optional<IpAddress>& address) {
  std::string text;
  if (address) append_address(text, *address);
  return text;
}

// Every message cut short, or with any one byte changed, is either read or refused with words.
template <typename Object>
void survives_cuts(std::vector<uint8_t> payload, Result<Object> (*parse)(const MessageView&)) {
  bool has_words = true;
  auto look = [&](Bytes bytes) {
    // Exactly its own size on the heap: a sanitizer sees what is read beyond.
    std::vector<uint8_t> copy(bytes.begin(), bytes.end());
    auto parsed = parse(MessageView{.payload = copy});
    has_words = has_words && (parsed.ok() || (parsed.error().errno_value == EBADMSG && !parsed.error().detail.empty()));
  };
  for (size_t size = 0; size < payload.size(); size++) look(Bytes(payload).first(size));
  for (uint8_t& byte : payload) {
    for (uint8_t change : {0x01, 0x80, 0xff}) {
      byte ^= change;
      look(payload);
      byte ^= change;
    }
  }
  check(has_words, "an error says what is wrong");
}

void parses_interface_addresses() {
  auto payload = from_hex(
      "0220000003000000080001000a060009080002000a0600010b00030076303a7032700000080008000000000014000600320000006400000072780500"
      "72780500");
  auto address = parse_interface_address({.payload = payload});
  check(address.ok());
  check_equal(address.value().index, 3u);
  check_equal(text_of(address.value().local), "10.6.0.1/32");
  check_equal(text_of(address.value().peer), "10.6.0.9");
  check_equal(address.value().label, "v0:p2p");
  check_equal(*address.value().valid_lifetime_sec, 100u);
  check_equal(*address.value().preferred_lifetime_sec, 50u);
  check(!address.value().broadcast);
  survives_cuts(payload, parse_interface_address);
  auto permanent =
      parse_interface_address({.payload = from_hex("020880fe01000000080002007f00000114000600ffffffffffffffff6d7805006d780500")});
  check(permanent.ok() && !permanent.value().valid_lifetime_sec && !permanent.value().peer);
  auto none = parse_interface_address({.payload = from_hex("020880fe01000000")});
  check(!none && none.error().detail == "address message without an address");
}

void parses_routes() {
  auto payload = from_hex(
      "02100000fc0300010000000008000f00e8030000080001000a08000008000600070000000c0008000800020000050000160012000a00fd0000000000"
      "0000000000000000000900000800040003000000");
  auto route = parse_route({.payload = payload});
  check(route.ok());
  check_equal(route.value().table, 1000u);
  check_equal(text_of(route.value().destination), "10.8.0.0/16");
  check_equal(text_of(route.value().gateway), "fd00::9", "RTA_VIA");
  check_equal(*route.value().mtu, 1280u);
  check_equal(*route.value().priority, 7u);
  check_equal(*route.value().index, 3u);
  survives_cuts(payload, parse_route);

  auto multipath = from_hex(
      "02100000fe0300010000000008000f00fe000000080001000a090000340009001000000103000000080005000a0500032000000003000000160012000a"
      "00fd0000000000000000000000000000030000");
  auto ways = parse_route({.payload = multipath});
  check(ways.ok() && ways.value().next_hops.size() == 2);
  check_equal(ways.value().next_hops[0].weight, 2u);
  check_equal(text_of(ways.value().next_hops[0].gateway), "10.5.0.3");
  check_equal(text_of(ways.value().next_hops[1].gateway), "fd00::3");
  survives_cuts(multipath, parse_route);
  // A next hop of length 0 would never end.
  auto endless = parse_route({.payload = from_hex("02100000fe030001000000000c0009000000000103000000")});
  check(!endless);
  check_equal(endless.error().detail, "impossible length of a next hop in attribute 9 at offset 28");
  auto wrong_size = parse_route({.payload = from_hex("02100000fe03000100000000060006000700000000")});
  check_equal(wrong_size.error().detail, "impossible size of attribute 6 at offset 28");
}

void parses_rules() {
  auto payload = from_hex(
      "02000800fc0000010000000008000f00e803000008000e00ffffffff050015000000000008000600fd7f000008000a000500000008001000ff0000000c"
      "00140005000000090000000800170007000900080002000a000000");
  auto rule = parse_rule({.payload = payload});
  check(rule.ok());
  check_equal(rule.value().priority, 32765u);
  check_equal(rule.value().table, 1000u);
  check_equal(text_of(*rule.value().from), "10.0.0.0/8");
  check_equal(*rule.value().fwmark, 5u);
  check_equal(*rule.value().fwmask, 255u);
  check_equal((*rule.value().uids)[1], 9u);
  check_equal((*rule.value().source_ports)[0], 7);
  check(!rule.value().suppress_prefix_length && !rule.value().to);
  survives_cuts(payload, parse_rule);
}

void parses_neighbours() {
  auto payload = from_hex(
      "0a000000030000008000800114000100fd0000000000000000000000000000070a00020002000000000700000800040000000000140003000000000000"
      "00"
      "00000000000000000000");
  auto neighbour = parse_neighbour({.payload = payload});
  check(neighbour.ok());
  check_equal(text_of(neighbour.value().address), "fd00::7");
  check_equal(neighbour.value().mac.size(), 6u);
  check_equal(neighbour.value().state, uint16_t{NUD_PERMANENT});
  check_equal(neighbour.value().flags, uint8_t{NTF_ROUTER});
  survives_cuts(payload, parse_neighbour);
}

// What a builder made, as it comes back from the kernel: the same format.
MessageView view_of(MessageBuilder& message) {
  auto messages = split_messages(message.finish(1));
  return messages && messages.value().size() == 1 ? messages.value()[0] : MessageView{};
}

void parses_and_builds_links() {
  NewLink spec{.kind = "vlan"};
  spec.settings.name = "eth0.5";
  spec.settings.mac = "02:00:00:00:00:01";
  spec.settings.mtu = 1400;
  spec.settings.alias = "a";
  spec.settings.is_up = true;
  spec.parent = 2;
  spec.vlan_id = 5;
  auto request = build_new_link(spec);
  check(request.ok());
  MessageView message = view_of(request.value());
  check(!parse_link(message), "no index yet");
  std::vector<uint8_t> payload(message.payload.begin(), message.payload.end());
  payload[4] = 7;
  auto link = parse_link({.payload = payload});
  check(link.ok());
  check_equal(link.value().name, "eth0.5");
  check_equal(link.value().kind, "vlan");
  check_equal(*link.value().vlan_id, 5);
  check_equal(*link.value().parent, 2u);
  check_equal(link.value().mtu, 1400u);
  check((link.value().flags & IFF_UP) != 0);
  survives_cuts(payload, parse_link);
  spec.settings.mac = "zz";
  check(!build_new_link(spec));
  check(!build_link_change(1, spec.settings));
}

void builds_routes() {
  RouteSpec spec{.destination = "fd01::/64", .source = "fd02::/48", .preferred_source = "fd00::2", .table = 1000, .mtu = 1280};
  spec.next_hops = {{.gateway = "fd00::3", .index = 3}, {.gateway = "", .index = 4, .weight = 256}};
  auto request = build_route(RTM_NEWROUTE, NLM_F_CREATE, spec);
  check(request.ok());
  auto route = parse_route(view_of(request.value()));
  check(route.ok());
  check_equal(text_of(*route.value().source), "fd02::/48");
  check_equal(text_of(route.value().preferred_source), "fd00::2");
  check_equal(route.value().table, 1000u);
  check_equal(*route.value().mtu, 1280u);
  check_equal(route.value().next_hops.size(), 2u);
  check_equal(route.value().next_hops[1].weight, 256u);
  auto removal = build_route(RTM_DELROUTE, 0, {.destination = "default"});
  auto wildcard = parse_route(view_of(removal.value()));
  check_equal(wildcard.value().scope, uint8_t{RT_SCOPE_NOWHERE});
  check_equal(wildcard.value().protocol, uint8_t{RTPROT_UNSPEC});
  for (const RouteSpec& bad : {RouteSpec{.destination = "10.0.0.0"}, RouteSpec{.destination = "default", .gateway = "x"},
                               RouteSpec{.destination = "fd00::/8", .gateway = "10.0.0.1"},
                               RouteSpec{.destination = "10.0.0.0/8", .preferred_source = "fd00::1"},
                               RouteSpec{.destination = "10.0.0.0/8", .next_hops = {{.gateway = "x"}}}}) {
    auto refused = build_route(RTM_NEWROUTE, 0, bad);
    check(!refused && refused.error().errno_value == EINVAL && !refused.error().detail.empty(), bad.destination);
  }
}

// A struct of the kernel with some members set.
template <typename Header, typename Set>
Header header_with(Set set) {
  Header header = {};
  set(header);
  return header;
}

// Several objects share the types of messages with ours.
void passes_over_what_is_no_object() {
  Batch batch;
  auto writes = [&](uint16_t type, const auto& family) {
    MessageBuilder message(type, 0, family);
    message.attribute(IFLA_IFNAME, std::string_view("br0"));
    auto written = write_object(batch, view_of(message), What::kNew, AF_UNSPEC);
    return !written || written.value();
  };
  auto port = header_with<ifinfomsg>([](auto& header) {
    header.ifi_family = AF_BRIDGE;
    header.ifi_index = 2;
  });
  check(!writes(RTM_DELLINK, port), "a port that leaves its bridge");
  check(!writes(RTM_NEWNEIGH, header_with<ndmsg>([](auto& header) { header.ndm_family = AF_BRIDGE; })), "the table of a bridge");
  check(!writes(RTM_NEWROUTE, header_with<rtmsg>([](auto& header) { header.rtm_family = RTNL_FAMILY_IPMR; })), "multicast");
  check(!writes(RTM_NEWROUTE + 100, rtmsg{}), "something else");
  auto clone = header_with<rtmsg>([](auto& header) {
    header.rtm_family = AF_INET;
    header.rtm_flags = RTM_F_CLONED;
  });
  MessageBuilder cached(RTM_NEWROUTE, 0, clone);
  check(!write_object(batch, view_of(cached), What::kNew, AF_UNSPEC).value(), "a cached route");
  check(batch.is_empty());
  MessageBuilder other(RTM_NEWROUTE, 0, header_with<rtmsg>([](auto& header) { header.rtm_family = AF_INET; }));
  check(!write_object(batch, view_of(other), What::kListed, AF_INET6).value(), "of the other family");
  check(write_object(batch, view_of(other), What::kListed, AF_INET).value());
  check(!batch.is_empty());
}

void knows_what_removes_routes() {
  auto link = [](uint16_t type, unsigned flags, unsigned change) {
    auto header = header_with<ifinfomsg>([&](auto& info) {
      info.ifi_flags = flags;
      info.ifi_change = change;
    });
    MessageBuilder message(type, 0, header);
    return may_remove_routes(view_of(message));
  };
  check(link(RTM_NEWLINK, 0, IFF_UP), "went down");
  check(!link(RTM_NEWLINK, IFF_UP, IFF_UP), "went up");
  check(!link(RTM_NEWLINK, 0, 0xffff'ffff), "is new");
  check(!link(RTM_NEWLINK, 0, 0), "is as it was");
  check(link(RTM_DELLINK, 0, 0));
  MessageBuilder address(RTM_DELADDR, 0, header_with<ifaddrmsg>([](auto& header) { header.ifa_family = AF_INET; }));
  check(may_remove_routes(view_of(address)));
  MessageBuilder nexthop(RTM_DELNEXTHOP, 0, uint64_t{0});
  check(may_remove_routes(view_of(nexthop)));
  check(!may_remove_routes(MessageView{.type = RTM_NEWLINK}), "cut off");
}

// Strict checking refuses a dump whose header holds anything but what filters.
void builds_dumps() {
  DumpQuery query;
  query.kind = Kind::kRoute;
  query.table = 1000;
  query.index = 3;
  query.protocol = RTPROT_DHCP;
  MessageBuilder request = build_dump(query, AF_INET6);
  auto asked = parse_route(view_of(request));
  check(asked.ok() && asked.value().table == 1000 && asked.value().index == 3u && asked.value().protocol == RTPROT_DHCP);
  check_equal(asked.value().family, uint8_t{AF_INET6});
  check_equal(asked.value().scope, 0);
}

void batches_add_up() {
  Batch one;
  one.text("a");
  Batch two;
  two.number(1);
  two.text("bc");
  one.append(std::move(two));
  one.text("");
  check_equal(one.texts(), "abc");
  check(one.numbers() == std::vector<double>{1, 1, 2, 0}, "texts are told by their lengths");
  one.clear();
  one.text("d");
  check(one.numbers() == std::vector<double>{1});
}

}  // namespace

int main() {
  parses_interface_addresses();
  parses_routes();
  parses_rules();
  parses_neighbours();
  parses_and_builds_links();
  builds_routes();
  passes_over_what_is_no_object();
  knows_what_removes_routes();
  builds_dumps();
  batches_add_up();
  return talos::test::finish();
}
