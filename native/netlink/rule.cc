#include "netlink/rule.h"

#include "netlink/attributes.h"
#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

constexpr const char* kNewRule = "RTM_NEWRULE";
// "No table is suppressed", as the kernel says it.
constexpr uint32_t kNoSuppression = UINT32_MAX;

template <typename Range>
void write_range(Batch& batch, const Range& range) {
  for (size_t end : {0, 1}) {
    batch.number(range ? std::optional((*range)[end]) : std::nullopt);
  }
}

std::array<uint16_t, 2> read_ports(AttributeReader& reader, const AttributeView& attribute) {
  auto range = reader.value<struct fib_rule_port_range>(attribute);
  return {range.start, range.end};
}

std::array<uint32_t, 2> read_uids(AttributeReader& reader, const AttributeView& attribute) {
  auto range = reader.value<struct fib_rule_uid_range>(attribute);
  return {range.start, range.end};
}

}  // namespace

Result<Rule> parse_rule(const MessageView& message) {
  struct fib_rule_hdr info;
  Bytes rest;
  if (!read_family(message.payload, info, rest)) return Error{EBADMSG, kNewRule, {}, {}, "message cut off"};
  Rule rule;
  rule.family = info.family;
  rule.action = info.action;
  rule.tos = info.tos;
  rule.flags = info.flags;
  rule.table = info.table;
  AttributeReader reader(rest, NLMSG_HDRLEN + sizeof info);
  for (AttributeView attribute; reader.next(attribute);) {
    switch (attribute.type) {
      case FRA_SRC:
        rule.from = {read_address(reader, attribute, info.family), info.src_len};
        break;
      case FRA_DST:
        rule.to = {read_address(reader, attribute, info.family), info.dst_len};
        break;
      case FRA_PRIORITY:
        rule.priority = reader.u32(attribute);
        break;
      case FRA_TABLE:
        rule.table = reader.u32(attribute);
        break;
      case FRA_FWMARK:
        rule.fwmark = reader.u32(attribute);
        break;
      case FRA_FWMASK:
        rule.fwmask = reader.u32(attribute);
        break;
      case FRA_GOTO:
        rule.goto_priority = reader.u32(attribute);
        break;
      case FRA_SUPPRESS_PREFIXLEN:
        if (uint32_t length = reader.u32(attribute); length != kNoSuppression) rule.suppress_prefix_length = length;
        break;
      case FRA_PROTOCOL:
        rule.protocol = reader.u8(attribute);
        break;
      case FRA_IP_PROTO:
        rule.ip_protocol = reader.u8(attribute);
        break;
      case FRA_UID_RANGE:
        rule.uids = read_uids(reader, attribute);
        break;
      case FRA_SPORT_RANGE:
        rule.source_ports = read_ports(reader, attribute);
        break;
      case FRA_DPORT_RANGE:
        rule.destination_ports = read_ports(reader, attribute);
        break;
      case FRA_IIFNAME:
        rule.input_interface = reader.text(attribute);
        break;
      case FRA_OIFNAME:
        rule.output_interface = reader.text(attribute);
        break;
      default:
        break;
    }
  }
  if (auto read = reader.finish(kNewRule); !read) return read.error();
  return rule;
}

void write(Batch& batch, const Rule& rule) {
  batch.number(rule.family);
  batch.number(rule.action);
  batch.number(rule.tos);
  batch.number(rule.protocol);
  batch.number(rule.flags);
  batch.number(rule.priority);
  batch.number(rule.table);
  batch.number(rule.fwmark);
  batch.number(rule.fwmask);
  batch.number(rule.goto_priority);
  batch.number(rule.suppress_prefix_length);
  batch.number(rule.ip_protocol);
  write_range(batch, rule.uids);
  write_range(batch, rule.source_ports);
  write_range(batch, rule.destination_ports);
  batch.prefix(rule.from);
  batch.prefix(rule.to);
  batch.text(rule.input_interface);
  batch.text(rule.output_interface);
}

Result<MessageBuilder> build_rule(uint16_t type, const RuleSpec& spec) {
  auto prefix_in = [&](const std::string& text) -> Result<std::optional<IpPrefix>> {
    if (text.empty()) return std::optional<IpPrefix>();
    auto prefix = parse_prefix(text);
    if (!prefix || prefix->address.is_ipv6 != spec.is_ipv6) {
      return Error{EINVAL, "netlink", text, {}, "not a prefix of the rule's family in CIDR notation"};
    }
    return prefix;
  };
  auto from = prefix_in(spec.from);
  if (!from) return from.error();
  auto to = prefix_in(spec.to);
  if (!to) return to.error();

  bool is_removal = type == RTM_DELRULE;
  struct fib_rule_hdr info = {};
  info.family = spec.is_ipv6 ? AF_INET6 : AF_INET;
  info.src_len = from.value() ? from.value()->length : 0;
  info.dst_len = to.value() ? to.value()->length : 0;
  info.tos = spec.tos;
  info.action = spec.action.value_or(is_removal ? FR_ACT_UNSPEC : FR_ACT_TO_TBL);
  info.flags = spec.is_inverted ? FIB_RULE_INVERT : 0u;
  uint16_t flags = is_removal ? 0 : NLM_F_CREATE | NLM_F_EXCL;
  MessageBuilder request(type, NLM_F_REQUEST | NLM_F_ACK | flags, info);
  if (from.value()) request.attribute(FRA_SRC, from.value()->address.view());
  if (to.value()) request.attribute(FRA_DST, to.value()->address.view());
  if (!spec.input_interface.empty()) request.attribute(FRA_IIFNAME, std::string_view(spec.input_interface));
  if (!spec.output_interface.empty()) request.attribute(FRA_OIFNAME, std::string_view(spec.output_interface));
  if (spec.priority) request.attribute(FRA_PRIORITY, *spec.priority);
  if (spec.table) request.attribute(FRA_TABLE, *spec.table);
  if (spec.fwmark) request.attribute(FRA_FWMARK, *spec.fwmark);
  if (spec.fwmask) request.attribute(FRA_FWMASK, *spec.fwmask);
  if (spec.goto_priority) request.attribute(FRA_GOTO, *spec.goto_priority);
  if (spec.suppress_prefix_length) request.attribute(FRA_SUPPRESS_PREFIXLEN, *spec.suppress_prefix_length);
  if (spec.protocol) request.attribute_u8(FRA_PROTOCOL, *spec.protocol);
  return request;
}

}  // namespace talos::netlink
