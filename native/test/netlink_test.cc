#include <sys/socket.h>

#include "netlink/address.h"
#include "netlink/message.h"
#include "netlink/route.h"
#include "netlink/route_socket.h"
#include "netlink/uevent.h"
#include "sys/netlink_calls.h"
#include "test/tap.h"

namespace {

using namespace std::string_view_literals;
using talos::Result;
using talos::netlink::Bytes;
using talos::netlink::DumpCollector;
using talos::netlink::MessageBuilder;
using talos::netlink::MessageView;
using talos::test::check;
using talos::test::check_equal;

constexpr std::string_view kUevent =
    "add@/devices/x/net/eth0\0ACTION=add\0DEVPATH=/devices/x/net/eth0\0SUBSYSTEM=net\0EMPTY=\0A=b=c\0"sv;

Bytes bytes_of(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

std::string text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// A link message as the kernel sends it.
std::string link_message(uint16_t flags = 0, uint32_t sequence = 1) {
  struct ifinfomsg info = {};
  info.ifi_type = 1;
  info.ifi_index = 2;
  info.ifi_flags = IFF_UP;
  MessageBuilder message(RTM_NEWLINK, flags, info);
  message.attribute(IFLA_IFNAME, bytes_of("eth0\0"sv));
  message.attribute(IFLA_MTU, uint32_t{1500});
  message.attribute(IFLA_ADDRESS, bytes_of("\x52\x54\x01\x02\xfe\xff"));
  message.attribute(IFLA_CARRIER, bytes_of("\x01"));
  return text_of(message.finish(sequence));
}

std::string end_message(uint16_t type, int status, uint32_t sequence = 1, uint16_t flags = 0) {
  MessageBuilder message(type, flags, status);
  return text_of(message.finish(sequence));
}

void builds_aligned_messages() {
  std::string message = link_message();
  check_equal(message.size() % 4, 0u);
  auto split = talos::netlink::split_messages(bytes_of(message));
  check(split.ok());
  check_equal(split.value().size(), 1u);
  check_equal(split.value()[0].sequence, 1u);
  check_equal(split.value()[0].payload.size() + NLMSG_HDRLEN, message.size());
}

void parses_links() {
  std::string message = link_message();
  auto split = talos::netlink::split_messages(bytes_of(message));
  auto link = talos::netlink::parse_link(split.value()[0]);
  check(link.ok());
  check_equal(link.value().name, "eth0");
  check_equal(link.value().mac, "52:54:01:02:fe:ff");
  check_equal(link.value().mtu, 1500u);
  check(link.value().is_up && link.value().has_carrier);
  check(!talos::netlink::parse_link(MessageView{}), "an empty one is refused");
}

void refuses_impossible_lengths() {
  std::string message = link_message();
  for (size_t size = 1; size < message.size(); size++) {
    if (talos::netlink::split_messages(bytes_of(message).first(size)).ok()) {
      check(false, "cut message was taken");
      return;
    }
  }
  check(true, "a message cut anywhere is refused");
  std::string short_length = message;
  short_length[0] = 15;
  short_length[1] = short_length[2] = short_length[3] = 0;
  check(!talos::netlink::split_messages(bytes_of(short_length)), "a length below the header's");
  check(!talos::netlink::split_attributes(bytes_of("\x03\x00\x01\x00"sv)), "an attribute below its header's");
  check(!talos::netlink::split_attributes(bytes_of("\x09\x00\x01\x00"sv)), "an attribute beyond the end");
  check(!talos::netlink::split_attributes(bytes_of("\x04"sv)));
  check(talos::netlink::split_messages({}).value().empty());
}

void reads_acknowledgements() {
  struct nlmsgerr error = {};
  error.error = -ENETUNREACH;
  error.msg.nlmsg_len = 64;
  MessageBuilder message(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS, error);
  message.attribute(NLMSGERR_ATTR_MSG, bytes_of("Nexthop has invalid gateway\0"sv));
  message.attribute(NLMSGERR_ATTR_OFFS, uint32_t{28});
  std::string text = text_of(message.finish(1));
  auto split = talos::netlink::split_messages(bytes_of(text));
  auto acknowledgement = talos::netlink::parse_acknowledgement(split.value()[0]);
  check(acknowledgement.ok());
  check_equal(acknowledgement.value().errno_value, ENETUNREACH);
  check_equal(acknowledgement.value().text, "Nexthop has invalid gateway (attribute at offset 28)");

  for (int impossible : {1, -4096, INT32_MIN}) {
    std::string bad = end_message(NLMSG_ERROR, impossible);
    check(!talos::netlink::parse_acknowledgement(talos::netlink::split_messages(bytes_of(bad)).value()[0]));
  }
  check(!talos::netlink::parse_acknowledgement(MessageView{.type = NLMSG_ERROR}));
  check(talos::netlink::parse_acknowledgement(MessageView{.type = NLMSG_DONE}).ok(), "an empty end of a dump");
}

// The state after a datagram of these messages; the number of links handed over in `links`.
Result<DumpCollector::State> collect(DumpCollector& collector, const std::string& datagram, int& links) {
  auto messages = talos::netlink::split_messages(bytes_of(datagram));
  return collector.add(messages.value(), [&](const MessageView&) -> Result<void> {
    links++;
    return {};
  });
}

void follows_dumps() {
  using State = DumpCollector::State;
  int links = 0;
  DumpCollector plain(1, RTM_GETLINK);
  check(collect(plain, link_message(NLM_F_MULTI) + link_message(NLM_F_MULTI), links).value() == State::kMore);
  check(collect(plain, end_message(NLMSG_DONE, 0), links).value() == State::kDone);
  check_equal(links, 2);

  DumpCollector interrupted(1, RTM_GETLINK);
  check(collect(interrupted, link_message(NLM_F_MULTI | NLM_F_DUMP_INTR), links).value() == State::kMore);
  check(collect(interrupted, end_message(NLMSG_DONE, 0), links).value() == State::kInterrupted);
  DumpCollector interrupted_at_end(1, RTM_GETLINK);
  check(collect(interrupted_at_end, end_message(NLMSG_DONE, 0, 1, NLM_F_DUMP_INTR), links).value() == State::kInterrupted);

  links = 0;
  DumpCollector other(2, RTM_GETLINK);
  check(collect(other, link_message() + end_message(NLMSG_DONE, 0), links).value() == State::kMore, "another sequence number");
  check_equal(links, 0);

  DumpCollector failed(1, RTM_GETLINK);
  auto error = collect(failed, end_message(NLMSG_ERROR, -EPERM), links);
  check(!error && error.error().errno_value == EPERM && std::string_view(error.error().syscall) == "RTM_GETLINK");
}

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

void parses_uevents() {
  using talos::netlink::parse_uevent;
  auto event = parse_uevent(kUevent);
  check(event.has_value());
  check_equal(event->action, "add");
  check_equal(event->devpath, "/devices/x/net/eth0");
  check_equal(event->subsystem, "net");
  check_equal(event->properties.size(), 5u);
  check_equal(event->properties[3].second, "");
  check_equal(event->properties[4].second, "b=c");
  check(!parse_uevent("libudev\0\xfe\xed\xca\xfe"sv), "a message of udev");
  for (std::string_view bad :
       {""sv, "add@/x"sv, "@/x\0"sv, "add@x\0"sv, "add@\0"sv, "add@/x\0NOEQUALS\0"sv, "add@/x\0=v\0"sv, "add@/x\0CUT=of"sv}) {
    check(!parse_uevent(bad), bad.data());
  }
}

// Any process with the right may send to the group of the kernel; what it sends must not be taken for the kernel's.
void hears_the_kernel_only() {
  auto monitor = talos::netlink::UeventSocket::open();
  check(monitor.ok(), "opens a monitor");
  talos::UniqueFd sender(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT));
  struct sockaddr_nl group = {};
  group.nl_family = AF_NETLINK;
  group.nl_groups = 1;
  auto* address = reinterpret_cast<struct sockaddr*>(&group);
  auto sent = ::sendto(sender.get(), kUevent.data(), kUevent.size(), 0, address, sizeof group);
  check(sent == static_cast<ssize_t>(kUevent.size()), "sends a forged event (needs CAP_NET_ADMIN)");
  for (;;) {
    auto outcome = monitor.value().receive();
    if (!check(outcome.ok()) || std::holds_alternative<talos::netlink::NoUevent>(outcome.value())) break;
    // The machine may have events of its own meanwhile.
    auto* event = std::get_if<talos::netlink::Uevent>(&outcome.value());
    check(event == nullptr || event->devpath != "/devices/x/net/eth0", "the forged event was taken");
  }
}

void survives_damage() {
  std::string dump = link_message(NLM_F_MULTI) + end_message(NLMSG_ERROR, -EPERM, 1, NLM_F_ACK_TLVS) + link_message();
  talos::test::survive_damage(dump, [](std::string_view text) {
    auto messages = talos::netlink::split_messages(bytes_of(text));
    if (!messages) return;
    for (const MessageView& message : messages.value()) {
      (void)talos::netlink::parse_link(message).ok();
      (void)talos::netlink::parse_acknowledgement(message).ok();
    }
  });
  talos::test::survive_damage(kUevent, [](std::string_view text) { (void)talos::netlink::parse_uevent(text); });
}

}  // namespace

int main() {
  builds_aligned_messages();
  parses_links();
  refuses_impossible_lengths();
  reads_acknowledgements();
  follows_dumps();
  parses_addresses();
  parses_uevents();
  hears_the_kernel_only();
  survives_damage();
  return talos::test::finish();
}
