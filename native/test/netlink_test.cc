#include "netlink/acknowledgement.h"
#include "netlink/attributes.h"
#include "netlink/message.h"
#include "netlink/objects.h"
#include "netlink/route_socket.h"
#include "sys/netlink_calls.h"
#include "test/tap.h"

namespace {

using namespace std::string_view_literals;
using talos::Result;
using talos::netlink::AttributeReader;
using talos::netlink::AttributeView;
using talos::netlink::Bytes;
using talos::netlink::DumpCollector;
using talos::netlink::explain;
using talos::netlink::MessageBuilder;
using talos::netlink::MessageView;
using talos::test::check;
using talos::test::check_equal;

Bytes bytes_of(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

std::string text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// A link message as the kernel sends it.
std::string link_message(uint16_t flags = 0, uint32_t sequence = 1) {
  struct ifinfomsg info = {};
  info.ifi_type = 1;
  info.ifi_index = 2;
  info.ifi_flags = IFF_UP;
  MessageBuilder message(RTM_NEWLINK, flags, info);
  message.attribute(IFLA_IFNAME, "eth0"sv);
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
  auto error = talos::netlink::split_messages(bytes_of(message + message.substr(0, 20)));
  check_equal(error.error().detail, "impossible message length at offset " + std::to_string(message.size()));
  check(talos::netlink::split_messages({}).value().empty());
}

// What a reader says about these attributes, which begin at offset 20.
std::string fault_of(std::string_view bytes, void (*read)(AttributeReader&, const AttributeView&)) {
  AttributeReader reader(bytes_of(bytes), 20);
  for (AttributeView attribute; reader.next(attribute);) read(reader, attribute);
  auto finished = reader.finish("RTM_NEWLINK");
  if (finished) return "";
  check_equal(finished.error().errno_value, EBADMSG);
  check_equal(std::string_view(finished.error().syscall), "RTM_NEWLINK");
  return finished.error().detail;
}

void reads_attributes_strictly() {
  auto nothing = [](AttributeReader&, const AttributeView&) {};
  auto number = [](AttributeReader& reader, const AttributeView& attribute) { (void)reader.u32(attribute); };
  auto text = [](AttributeReader& reader, const AttributeView& attribute) { (void)reader.text(attribute); };
  check_equal(fault_of("\x08\0\x05\0\x01\x02\x03\x04"sv, number), "");
  check_equal(fault_of("\x03\0\x01\0"sv, nothing), "impossible length of attribute 1 at offset 20");
  check_equal(fault_of("\x09\0\x01\0"sv, nothing), "impossible length of attribute 1 at offset 20");
  check_equal(fault_of("\x04\0\x01\0\x04"sv, nothing), "header cut off of attribute 0 at offset 24");
  check_equal(fault_of("\x04\0\x01\0\x06\0\x07\0\x01\x02\0\0"sv, number), "impossible size of attribute 1 at offset 20");
  check_equal(fault_of("\x06\0\x07\0ab\0\0"sv, text), "text without an end in attribute 7 at offset 20");
  check_equal(fault_of("\x07\0\x07\0ab\0\0"sv, text), "");
  // Flags of the type are no part of it; a fault in a nest is one of the whole, with its own place.
  check_equal(fault_of("\x0a\0\x12\x80\x06\0\x02\0\x01\x02\0\0"sv,
                       [](AttributeReader& reader, const AttributeView& nest) {
                         check_equal(nest.type, 18);
                         AttributeReader inner(nest);
                         for (AttributeView attribute; inner.next(attribute);) (void)inner.u32(attribute);
                         reader.include(inner);
                       }),
              "impossible size of attribute 2 at offset 24");
}

void refuses_values_that_are_too_long() {
  MessageBuilder message(RTM_NEWLINK, 0, ifinfomsg{});
  message.attribute(IFLA_IFALIAS, std::string_view(std::string(70'000, 'x')));
  check(message.finish(1).empty());
  MessageBuilder nest(RTM_NEWLINK, 0, ifinfomsg{});
  size_t start = nest.begin_nest(IFLA_LINKINFO);
  for (int part = 0; part < 2; part++) nest.attribute(IFLA_INFO_KIND, std::string_view(std::string(40'000, 'x')));
  check(nest.end_nest(start).finish(1).empty());
}

talos::netlink::Acknowledgement acknowledgement_in(MessageBuilder& message) {
  std::string text = text_of(message.finish(1));
  auto split = talos::netlink::split_messages(bytes_of(text));
  auto acknowledgement = talos::netlink::parse_acknowledgement(split.value()[0]);
  check(acknowledgement.ok());
  return std::move(acknowledgement).value();
}

void reads_acknowledgements() {
  struct nlmsgerr error = {};
  error.error = -ENETUNREACH;
  error.msg.nlmsg_len = 64;
  MessageBuilder message(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS, error);
  message.attribute(NLMSGERR_ATTR_MSG, "Nexthop has invalid gateway"sv);
  message.attribute(NLMSGERR_ATTR_OFFS, uint32_t{36});
  auto acknowledgement = acknowledgement_in(message);
  check_equal(acknowledgement.errno_value, ENETUNREACH);
  // A request with RTA_DST at 28 and RTA_GATEWAY at 36.
  MessageBuilder request(RTM_NEWROUTE, 0, rtmsg{});
  request.attribute(RTA_DST, uint32_t{1});
  request.attribute(RTA_GATEWAY, uint32_t{2});
  Bytes sent = request.finish(1);
  check_equal(explain(acknowledgement, sent), "Nexthop has invalid gateway: RTA_GATEWAY at offset 36");
  check_equal(explain({.offset = 40}, sent), "in RTA_GATEWAY at offset 40");
  check_equal(explain({.offset = 20}, sent), "the header at offset 20");
  check_equal(explain({.offset = 4000}, sent), "something at offset 4000");
  check_equal(explain({.offset = 36}, {}), "something at offset 36");
  check_equal(explain({}, sent), "");

  // Where the request was echoed, the explanation lies behind it.
  error.msg.nlmsg_len = 24;
  MessageBuilder echoed(NLMSG_ERROR, NLM_F_ACK_TLVS, error);
  echoed.raw(uint64_t{0xffff'ffff'ffff'ffff});
  echoed.attribute(NLMSGERR_ATTR_MSG, "behind the echo"sv);
  check_equal(acknowledgement_in(echoed).text, "behind the echo");

  MessageBuilder end(NLMSG_DONE, NLM_F_ACK_TLVS, -EINVAL);
  end.attribute(NLMSGERR_ATTR_MSG, "of a dump"sv);
  check_equal(acknowledgement_in(end).text, "of a dump");

  for (int impossible : {1, -4096, INT32_MIN}) {
    std::string bad = end_message(NLMSG_ERROR, impossible);
    check(!talos::netlink::parse_acknowledgement(talos::netlink::split_messages(bytes_of(bad)).value()[0]));
  }
  check(!talos::netlink::parse_acknowledgement(MessageView{.type = NLMSG_ERROR}));
  check(talos::netlink::parse_acknowledgement(MessageView{.type = NLMSG_DONE}).ok(), "an empty end of a dump");
}

void tells_what_is_missing() {
  struct nlmsgerr error = {};
  error.error = -EINVAL;
  MessageBuilder message(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS, error);
  message.attribute(NLMSGERR_ATTR_MISS_TYPE, uint32_t{IFA_LOCAL});
  MessageBuilder request(RTM_NEWADDR, 0, ifaddrmsg{});
  size_t nest = request.begin_nest(IFA_LABEL);
  request.end_nest(nest);
  Bytes sent = request.finish(1);
  check_equal(explain(acknowledgement_in(message), sent), "IFA_LOCAL is missing");
  message.attribute(NLMSGERR_ATTR_MISS_NEST, uint32_t{24});
  check_equal(explain(acknowledgement_in(message), sent), "attribute 2 is missing in IFA_LABEL at offset 24");
  check_equal(talos::netlink::attribute_name(RTM_NEWLINK, 4711), "attribute 4711");
  check_equal(std::string_view(talos::netlink::message_name(4711)), "netlink");
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
  MessageBuilder request(RTM_GETLINK, 0, ifinfomsg{});
  Bytes sent = request.finish(1);
  DumpCollector plain(1, sent);
  check(collect(plain, link_message(NLM_F_MULTI) + link_message(NLM_F_MULTI), links).value() == State::kMore);
  check(collect(plain, end_message(NLMSG_DONE, 0), links).value() == State::kDone);
  check_equal(links, 2);

  DumpCollector interrupted(1, sent);
  check(collect(interrupted, link_message(NLM_F_MULTI | NLM_F_DUMP_INTR), links).value() == State::kMore);
  check(collect(interrupted, end_message(NLMSG_DONE, 0), links).value() == State::kInterrupted);
  DumpCollector interrupted_at_end(1, sent);
  check(collect(interrupted_at_end, end_message(NLMSG_DONE, 0, 1, NLM_F_DUMP_INTR), links).value() == State::kInterrupted);

  links = 0;
  DumpCollector other(2, sent);
  check(collect(other, link_message() + end_message(NLMSG_DONE, 0), links).value() == State::kMore, "another sequence number");
  check_equal(links, 0);

  DumpCollector failed(1, sent);
  auto error = collect(failed, end_message(NLMSG_ERROR, -EPERM), links);
  check(!error && error.error().errno_value == EPERM && std::string_view(error.error().syscall) == "RTM_GETLINK");
}

void survives_damage() {
  std::string dump = link_message(NLM_F_MULTI) + end_message(NLMSG_ERROR, -EPERM, 1, NLM_F_ACK_TLVS) + link_message();
  talos::test::survive_damage(dump, [](std::string_view text) {
    auto messages = talos::netlink::split_messages(bytes_of(text));
    if (!messages) return;
    for (const MessageView& message : messages.value()) {
      talos::netlink::Batch batch;
      (void)talos::netlink::write_object(batch, message, talos::netlink::What::kNew, AF_UNSPEC).ok();
      if (auto acknowledgement = talos::netlink::parse_acknowledgement(message)) {
        (void)explain(acknowledgement.value(), bytes_of(text));
      }
    }
  });
}

}  // namespace

int main() {
  builds_aligned_messages();
  refuses_impossible_lengths();
  reads_attributes_strictly();
  refuses_values_that_are_too_long();
  reads_acknowledgements();
  tells_what_is_missing();
  follows_dumps();
  survives_damage();
  return talos::test::finish();
}
