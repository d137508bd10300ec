#include "netlink/message.h"

#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

constexpr size_t align(size_t size) { return (size + 3) & ~size_t{3}; }

constexpr size_t kMaxAttributeBytes = UINT16_MAX;

Error malformed(const char* what, size_t offset) {
  return Error{EBADMSG, "netlink", {}, {}, std::string(what) + " at offset " + std::to_string(offset)};
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
  if (sizeof header + payload.size() > kMaxAttributeBytes) {
    is_too_long_ = true;
    return *this;
  }
  header.nla_type = type;
  header.nla_len = static_cast<uint16_t>(sizeof header + payload.size());
  append(&header, sizeof header);
  append(payload.data(), payload.size());
  return *this;
}

MessageBuilder& MessageBuilder::attribute(uint16_t type, uint32_t value) {
  return attribute(type, Bytes(reinterpret_cast<const uint8_t*>(&value), sizeof value));
}

MessageBuilder& MessageBuilder::attribute_u16(uint16_t type, uint16_t value) {
  return attribute(type, Bytes(reinterpret_cast<const uint8_t*>(&value), sizeof value));
}

MessageBuilder& MessageBuilder::attribute(uint16_t type, std::string_view text) {
  std::string with_end(text);
  return attribute(type, Bytes(reinterpret_cast<const uint8_t*>(with_end.c_str()), with_end.size() + 1));
}

size_t MessageBuilder::begin_nest(uint16_t type) {
  size_t start = bytes_.size();
  struct nlattr header = {};
  header.nla_type = static_cast<uint16_t>(type | NLA_F_NESTED);
  append(&header, sizeof header);
  return start;
}

MessageBuilder& MessageBuilder::end_nest(size_t start) {
  size_t length = bytes_.size() - start;
  if (length > kMaxAttributeBytes) is_too_long_ = true;
  auto stored = static_cast<uint16_t>(length);
  // nla_len is the first member.
  std::memcpy(bytes_.data() + start, &stored, sizeof stored);
  return *this;
}

Bytes MessageBuilder::finish(uint32_t sequence) {
  if (is_too_long_) return {};
  struct nlmsghdr header;
  std::memcpy(&header, bytes_.data(), sizeof header);
  header.nlmsg_len = static_cast<uint32_t>(bytes_.size());
  header.nlmsg_seq = sequence;
  std::memcpy(bytes_.data(), &header, sizeof header);
  return bytes_;
}

Result<std::vector<MessageView>> split_messages(Bytes datagram) {
  std::vector<MessageView> messages;
  size_t offset = 0;
  while (offset < datagram.size()) {
    Bytes rest = datagram.subspan(offset);
    struct nlmsghdr header;
    if (rest.size() < sizeof header) return malformed("message header cut off", offset);
    std::memcpy(&header, rest.data(), sizeof header);
    if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > rest.size()) {
      return malformed("impossible message length", offset);
    }
    messages.push_back(
        {header.nlmsg_type, header.nlmsg_flags, header.nlmsg_seq, rest.subspan(NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN)});
    // The last message need not be padded.
    offset += align(header.nlmsg_len);
  }
  return messages;
}

}  // namespace talos::netlink
