#include "netlink/message.h"

#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

constexpr size_t align(size_t size) { return (size + 3) & ~size_t{3}; }

Error malformed(const char* what) { return Error{EBADMSG, "netlink", {}, {}, what}; }

// The TLVs of an extended acknowledgement lie behind the echoed request, or right behind the error when that was capped.
Bytes acknowledgement_attributes(const MessageView& message, Bytes payload) {
  if ((message.flags & NLM_F_ACK_TLVS) == 0) return {};
  size_t offset = sizeof(int);
  if (message.type == NLMSG_ERROR) {
    struct nlmsgerr error;
    if (payload.size() < sizeof error) return {};
    std::memcpy(&error, payload.data(), sizeof error);
    offset = sizeof error;
    bool has_request = (message.flags & NLM_F_CAPPED) == 0 && error.error != 0;
    if (has_request && error.msg.nlmsg_len > NLMSG_HDRLEN) offset += align(error.msg.nlmsg_len) - NLMSG_HDRLEN;
  }
  return offset < payload.size() ? payload.subspan(offset) : Bytes{};
}

}  // namespace

MessageBuilder::MessageBuilder(uint16_t type, uint16_t flags) : type_(type) {
  struct nlmsghdr header = {};
  header.nlmsg_type = type;
  header.nlmsg_flags = flags;
  append(&header, sizeof header);
}

void MessageBuilder::append(const void* data, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  bytes_.insert(bytes_.end(), bytes, bytes + size);
  bytes_.resize(align(bytes_.size()));
}

MessageBuilder& MessageBuilder::attribute(uint16_t type, Bytes payload) {
  struct nlattr header = {};
  header.nla_type = type;
  header.nla_len = static_cast<uint16_t>(sizeof header + payload.size());
  append(&header, sizeof header);
  append(payload.data(), payload.size());
  return *this;
}

MessageBuilder& MessageBuilder::attribute(uint16_t type, uint32_t value) {
  return attribute(type, Bytes(reinterpret_cast<const uint8_t*>(&value), sizeof value));
}

Bytes MessageBuilder::finish(uint32_t sequence) {
  struct nlmsghdr header;
  std::memcpy(&header, bytes_.data(), sizeof header);
  header.nlmsg_len = static_cast<uint32_t>(bytes_.size());
  header.nlmsg_seq = sequence;
  std::memcpy(bytes_.data(), &header, sizeof header);
  return bytes_;
}

Result<std::vector<MessageView>> split_messages(Bytes datagram) {
  std::vector<MessageView> messages;
  while (!datagram.empty()) {
    struct nlmsghdr header;
    if (datagram.size() < sizeof header) return malformed("message header cut off");
    std::memcpy(&header, datagram.data(), sizeof header);
    if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > datagram.size()) return malformed("impossible message length");
    messages.push_back({header.nlmsg_type, header.nlmsg_flags, header.nlmsg_seq,
                        datagram.subspan(NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN)});
    // The last message need not be padded.
    datagram = datagram.subspan(std::min(align(header.nlmsg_len), datagram.size()));
  }
  return messages;
}

Result<std::vector<AttributeView>> split_attributes(Bytes payload) {
  std::vector<AttributeView> attributes;
  while (!payload.empty()) {
    struct nlattr header;
    if (payload.size() < sizeof header) return malformed("attribute header cut off");
    std::memcpy(&header, payload.data(), sizeof header);
    if (header.nla_len < NLA_HDRLEN || header.nla_len > payload.size()) return malformed("impossible attribute length");
    attributes.push_back({static_cast<uint16_t>(header.nla_type & NLA_TYPE_MASK),
                          payload.subspan(NLA_HDRLEN, static_cast<size_t>(header.nla_len) - NLA_HDRLEN)});
    payload = payload.subspan(std::min(align(header.nla_len), payload.size()));
  }
  return attributes;
}

std::optional<uint32_t> attribute_u32(const AttributeView& attribute) {
  uint32_t value = 0;
  if (attribute.payload.size() != sizeof value) return std::nullopt;
  std::memcpy(&value, attribute.payload.data(), sizeof value);
  return value;
}

std::optional<std::string> attribute_string(const AttributeView& attribute) {
  const auto* start = reinterpret_cast<const char*>(attribute.payload.data());
  std::string_view text(start, attribute.payload.size());
  size_t end = text.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(text.substr(0, end));
}

Result<Acknowledgement> parse_acknowledgement(const MessageView& message) {
  int status = 0;
  // NLMSG_DONE of old dumps carries nothing at all.
  if (message.payload.size() < sizeof status) {
    if (message.type == NLMSG_DONE && message.payload.empty()) return Acknowledgement{};
    return malformed("acknowledgement cut off");
  }
  std::memcpy(&status, message.payload.data(), sizeof status);
  if (status > 0 || status < -4095) return malformed("impossible error number");
  Acknowledgement acknowledgement{-status, {}};
  auto attributes = split_attributes(acknowledgement_attributes(message, message.payload));
  if (!attributes) return attributes.error();
  for (const AttributeView& attribute : attributes.value()) {
    if (attribute.type == NLMSGERR_ATTR_MSG) {
      acknowledgement.text = attribute_string(attribute).value_or("");
    } else if (attribute.type == NLMSGERR_ATTR_OFFS && attribute_u32(attribute)) {
      acknowledgement.text += " (attribute at offset " + std::to_string(*attribute_u32(attribute)) + ")";
    }
  }
  return acknowledgement;
}

}  // namespace talos::netlink
