// The codec of DHCP against byte vectors made by hand from the RFCs.
#include <algorithm>

#include "dhcp/message.h"
#include "test/dhcp_message.h"
#include "test/tap.h"

namespace {

using namespace talos::dhcp;
using namespace talos::test;

talos::Result<ServerMessage> decoded(const Blob& options, const Blob& basics = kBasics) {
  return decode(reply(options, basics), kMac);
}

void writes_discover() {
  ClientMessage message;
  message.xid = 0x12345678;
  message.seconds = 0x0102;
  message.mac = kMac;
  message.hostname = "node-1";
  message.max_message_bytes = 1472;
  Blob bytes = encode(message);
  Blob expected(240, 0);
  put(expected, 0, {1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78, 0x01, 0x02, 0, 0});
  std::copy(kMac.begin(), kMac.end(), expected.begin() + 28);
  put(expected, 236, {0x63, 0x82, 0x53, 0x63});
  append(expected, {53, 1, 1, 61, 7, 1, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 57, 2, 0x05, 0xc0});
  append(expected, {55, 11, 1, 121, 3, 6, 12, 15, 26, 42, 58, 59, 119, 12, 6, 'n', 'o', 'd', 'e', '-', '1', 255});
  expected.resize(300, 0);
  check(bytes == expected, "a DISCOVER, byte by byte");
}

void writes_the_others() {
  ClientMessage request;
  request.type = MessageType::kRequest;
  request.mac = kMac;
  request.requested_address = kAddress;
  request.server_id = kServer;
  Blob bytes = encode(request);
  const Blob selecting = {53, 1, 3, 61, 7,  1, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 50,   4,
                          10, 0, 2, 15, 54, 4, 10,   0,    2, 2,    57,   2,    0x02, 0x40};
  check(std::equal(selecting.begin(), selecting.end(), bytes.begin() + 240), "a REQUEST that takes an offer");

  ClientMessage release;
  release.type = MessageType::kRelease;
  release.mac = kMac;
  release.client_address = kAddress;
  release.server_id = kServer;
  release.hostname = "unsaid";
  bytes = encode(release);
  const Blob released = {53, 1, 7, 61, 7, 1, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 54, 4, 10, 0, 2, 2, 255, 0};
  check(std::equal(released.begin(), released.end(), bytes.begin() + 240), "a RELEASE asks for nothing");
  check(bytes[12] == 10 && bytes[15] == 15, "and names the address as ours");

  ClientMessage decline = release;
  decline.type = MessageType::kDecline;
  decline.client_address = 0;
  decline.requested_address = kAddress;
  bytes = encode(decline);
  const Blob declined = {53, 1, 4, 61, 7, 1, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 50, 4, 10, 0, 2, 15, 54, 4, 10, 0, 2, 2, 255};
  check(std::equal(declined.begin(), declined.end(), bytes.begin() + 240) && bytes[12] == 0, "a DECLINE");
  ClientMessage long_name;
  long_name.hostname = std::string(300, 'a');
  check(encode(long_name).size() < 600, "a name longer than an option is cut");
}

void reads_an_acknowledgement() {
  Blob options = {1,   4,   255, 255, 255, 0, 3,    8,    10,   0,    2,   2,   10,  0,   2,    3,   6,   8,
                  10,  0,   2,   3,   8,   8, 8,    8,    15,   12,   'e', 'x', 'a', 'm', 'p',  'l', 'e', '.',
                  'o', 'r', 'g', 0,   26,  2, 0x05, 0xdc, 42,   4,    10,  0,   2,   4,   12,   6,   'n', 'o',
                  'd', 'e', '-', '7', 58,  4, 0,    0,    0x07, 0x08, 59,  4,   0,   0,   0x0c, 0x4e};
  auto message = decoded(options);
  if (!check(message.ok(), message.ok() ? "" : message.error().detail)) return;
  const ServerMessage& ack = message.value();
  check(ack.type == MessageType::kAck);
  check_equal(ack.xid, 0x12345678u);
  check_equal(ack.your_address, kAddress);
  check_equal(ack.server_id, kServer);
  check_equal(ack.lease_seconds, 3600u);
  check_equal(ack.renewal_seconds, 1800u);
  check_equal(ack.rebinding_seconds, 3150u);
  check_equal(int{ack.prefix_length.value_or(0)}, 24);
  check(ack.routers == std::vector<Ipv4>{kServer, kServer + 1});
  check(ack.dns_servers == std::vector<Ipv4>{0x0a000203, 0x08080808});
  check(ack.ntp_servers == std::vector<Ipv4>{0x0a000204});
  check_equal(ack.domain, "example.org", "the NUL of some servers is no part of it");
  check_equal(ack.hostname, "node-7");
  check_equal(int{ack.mtu.value_or(0)}, 1500);
  check(!ack.routes.has_value());
}

// The example of RFC 3442, and its edges.
void reads_classless_routes() {
  auto message = decoded({121, 33, 0,  10, 0, 0, 1,  8, 10, 10, 0,  0,  1, 24, 10,  0, 0, 10, 0, 0,
                          1,   32, 10, 17, 2, 3, 10, 0, 0,  2,  25, 10, 0, 0,  255, 0, 0, 0,  0});
  check(!message, "a list that is cut");
  message = decoded({121, 44, 0, 10, 0, 0, 1, 8,  10, 10, 0, 0,   1, 24, 10, 0, 0,  10, 0,  0,   1, 32, 10,
                     17,  2,  3, 10, 0, 0, 2, 25, 10, 0,  0, 255, 0, 0,  0,  0, 12, 10, 31, 127, 0, 0,  1});
  if (!check(message.ok())) return;
  const auto& routes = message.value().routes;
  if (!check(routes.has_value() && routes->size() == 5, "the one by a loopback address is left out")) return;
  check((*routes)[0].prefix_length == 0 && (*routes)[0].destination == 0 && (*routes)[0].gateway == 0x0a000001);
  check((*routes)[1].prefix_length == 8 && (*routes)[1].destination == 0x0a000000);
  check((*routes)[3].prefix_length == 32 && (*routes)[3].destination == 0x0a110203 && (*routes)[3].gateway == 0x0a000002);
  check((*routes)[4].prefix_length == 25 && (*routes)[4].gateway == 0, "on the link");
  check_equal((*routes)[4].destination, 0x0a000080u, "bits beyond the prefix mean nothing");
  check(!decoded({121, 5, 33, 1, 2, 3, 4}), "a prefix of 33 bits");
  check(!decoded({121, 4, 0, 10, 0, 0}), "half a router");
  check(decoded({121, 0}).value().routes->empty(), "an empty list still takes the place of the routers");
}

void puts_pieces_together() {
  // RFC 3396: an address list cut in the middle of an address.
  auto message = decoded({6, 3, 10, 0, 2, 1, 4, 255, 255, 255, 0, 6, 5, 3, 8, 8, 4, 4});
  if (check(message.ok())) check(message.value().dns_servers == std::vector<Ipv4>{0x0a000203, 0x08080404});
  check(!decoded({6, 3, 10, 0, 2}), "a piece without its rest");

  // Options in `file`, then in `sname`.
  Blob overloaded = reply({52, 1, 3, 6, 2, 10, 0});
  put(overloaded, 108, {6, 1, 2, 255});
  put(overloaded, 44, {6, 1, 3, 3, 4, 10, 0, 2, 2});
  message = decode(overloaded, kMac);
  if (check(message.ok(), "all three fields")) {
    check(message.value().dns_servers == std::vector<Ipv4>{0x0a000203});
    check(message.value().routers == std::vector<Ipv4>{kServer});
  }
  overloaded = reply({52, 1, 1});
  put(overloaded, 108, {6, 4, 10, 0, 2, 3, 255});
  overloaded[44] = 6;
  overloaded[45] = 250;
  check(decode(overloaded, kMac).ok(), "a field that is not overloaded is not read");
  overloaded[108 + 6] = 52;
  check(decode(overloaded, kMac).ok(), "pads to the end of an overloaded field");
  overloaded[108 + 127] = 6;
  auto cut = decode(overloaded, kMac);
  check(!cut && cut.error().detail == "option 6 without a length at offset 235", "the field ends inside an option");
  for (const Blob& wrong : {Blob{52, 1, 0}, Blob{52, 1, 4}, Blob{52, 2, 1, 1}, Blob{52, 0}}) check(!decoded(wrong), "overload");
}

void reads_search_domains() {
  // eng.apple.com and marketing.apple.com by a pointer to the first: the example of RFC 3397.
  const Blob names = {3, 'e', 'n', 'g', 5,   'a', 'p', 'p', 'l', 'e', 3,   'c',  'o', 'm',
                      0, 9,   'm', 'a', 'r', 'k', 'e', 't', 'i', 'n', 'g', 0xc0, 4};
  auto with = [](const Blob& value) {
    Blob option = {119, static_cast<uint8_t>(value.size())};
    append(option, value);
    return decoded(option);
  };
  auto message = with(names);
  if (check(message.ok())) {
    check(message.value().search_domains == std::vector<std::string>{"eng.apple.com", "marketing.apple.com"});
  }
  check(!with({0xc0, 0}), "a pointer to itself");
  check(!with({1, 'a', 0xc0, 2, 1, 'b', 0xc0, 0}), "a pointer forward");
  check(!with({1, 'a', 0xc0, 0}), "a pointer into its own name");
  check(!with({1, 'a', 0, 1, 'b', 0xc0}), "half a pointer");
  check(!with({5, 'a'}) && !with({1, 'a'}), "a name without an end");
  check(!with({0x40, 'a', 0}), "a label of an unknown kind");
  check(!with(Blob(200, 1)), "no end at all");
  check(with({3, 'a', '.', 'b', 0, 0, 1, 'c', 0}).value().search_domains == std::vector<std::string>{"c"},
        "what is no name is left out");
  Blob long_name;
  for (int i = 0; i < 5; i++) {
    long_name.push_back(60);
    long_name.resize(long_name.size() + 60, 'x');
  }
  Blob option = {119, 255};
  option.insert(option.end(), long_name.begin(), long_name.begin() + 255);
  append(option, {119, 51});
  option.insert(option.end(), long_name.begin() + 255, long_name.end());
  option.push_back(0);
  auto too_long = decoded(option);
  check(!too_long && too_long.error().detail.find("too long") != std::string::npos, "a name of 305 bytes");
}

void refuses() {
  Blob good = reply({});
  check(decode(good, kMac).ok());
  for (size_t size = 0; size < good.size() - 1; size++) {
    if (size != 240 && decode(Bytes(good).first(size), kMac).ok()) {
      check(false, "a message cut anywhere in front of its end option");
      break;
    }
  }
  check(decode(Bytes(good).first(good.size() - 1), kMac).ok(), "the end option itself may be missing");
  auto damaged = [&](size_t offset, uint8_t value) {
    Blob bytes = good;
    bytes[offset] = value;
    auto result = decode(bytes, kMac);
    return result ? std::string("taken") : result.error().detail;
  };
  check_equal(damaged(0, 1), "no reply at offset 0");
  check_equal(damaged(1, 6), "not for Ethernet at offset 1");
  check_equal(damaged(2, 16), "not for Ethernet at offset 1");
  check_equal(damaged(33, 0), "for somebody else at offset 28");
  check_equal(damaged(239, 0), "no DHCP message at offset 236");
  check_equal(damaged(16, 0), "an address that no host can have at offset 16");
  check_equal(damaged(16, 224), "an address that no host can have at offset 16");
  check_equal(damaged(242, 1), "message type 1 is none of a server's");

  check(!decoded({}, {54, 4, 10, 0, 2, 2, 51, 4, 0, 0, 0, 9}), "no type");
  check(!decoded({}, {53, 1, 5, 51, 4, 0, 0, 0, 9}), "no server");
  check(!decoded({}, {53, 1, 5, 54, 4, 0, 0, 0, 0, 51, 4, 0, 0, 0, 9}), "a server that is no host");
  check(!decoded({}, {53, 1, 2, 54, 4, 10, 0, 2, 2}), "an offer without a lease time");
  check(!decoded({}, {53, 1, 5, 54, 4, 10, 0, 2, 2, 51, 4, 0, 0, 0, 0}), "a lease of no time");
  check(!decoded({53, 1, 5}), "two types");
  for (const Blob& wrong :
       {Blob{1, 4, 255, 0, 255, 0}, Blob{1, 4, 0, 0, 0, 0}, Blob{1, 3, 255, 255, 255}, Blob{3, 5, 10, 0, 2, 2, 1},
        Blob{26, 2, 0, 67}, Blob{26, 1, 5}, Blob{58, 2, 0, 1}, Blob{6, 200, 1}, Blob{6}}) {
    auto result = decoded(wrong);
    check(!result && result.error().errno_value == EBADMSG, "option " + std::to_string(wrong[0]));
  }
  check(decoded({3, 4, 0, 0, 0, 0, 6, 4, 127, 0, 0, 1}).value().routers.empty(), "a router 0.0.0.0 is none");
  check(decoded({12, 0, 15, 0, 12, 3, 'a', '!', 'b'}).value().hostname.empty(), "what is no name is left out");
  check(decoded({200, 3, 1, 2, 3, 0, 0, 0}).ok(), "unknown options and pads");

  Blob nak = reply({56, 4, 'n', 'o', 10, 200}, {53, 1, 6, 54, 4, 10, 0, 2, 2});
  std::fill_n(nak.begin() + 16, 4, 0);
  auto message = decode(nak, kMac);
  if (check(message.ok() && message.value().type == MessageType::kNak, "a NAK has no address and no lease")) {
    check_equal(message.value().text, "no??");
  }
}

void survives_damage() {
  Blob options = {52, 1, 3, 1, 4, 255, 255, 255, 0, 3, 4, 10, 0, 2, 2, 119, 5, 1, 'a', 0, 0xc0, 0, 121, 5, 0, 10, 0, 2, 2};
  Blob message = reply(options);
  put(message, 108, {6, 1, 2, 12, 2, 'a', 'b', 255});
  put(message, 44, {6, 3, 3, 2, 2, 255});
  auto view = [](const Blob& bytes) { return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()); };
  auto blob = [](std::string_view text) { return Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size()); };
  talos::test::survive_damage(view(message), [&](std::string_view text) { (void)decode(blob(text), kMac).ok(); });
  // Damage to the options only, so that it gets beyond the checks of the head.
  talos::test::survive_damage(view(options), [&](std::string_view text) {
    Blob bytes = reply_head();
    append(bytes, kBasics);
    bytes.insert(bytes.end(), text.begin(), text.end());
    (void)decode(bytes, kMac).ok();
  });
}

}  // namespace

int main() {
  writes_discover();
  writes_the_others();
  reads_an_acknowledgement();
  reads_classless_routes();
  puts_pieces_together();
  reads_search_domains();
  refuses();
  survives_damage();
  return talos::test::finish();
}
