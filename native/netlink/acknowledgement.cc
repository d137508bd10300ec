#include "netlink/acknowledgement.h"

#include "netlink/attributes.h"
#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

// The TLVs lie behind the echoed request, or right behind the error when that was capped. Gives their offset.
size_t attributes_offset(const MessageView& message) {
  if ((message.flags & NLM_F_ACK_TLVS) == 0) return message.payload.size();
  if (message.type != NLMSG_ERROR) return sizeof(int);
  struct nlmsgerr error;
  if (message.payload.size() < sizeof error) return message.payload.size();
  std::memcpy(&error, message.payload.data(), sizeof error);
  bool has_request = (message.flags & NLM_F_CAPPED) == 0 && error.error != 0 && error.msg.nlmsg_len > NLMSG_HDRLEN;
  return sizeof error + (has_request ? NLMSG_ALIGN(static_cast<size_t>(error.msg.nlmsg_len)) - NLMSG_HDRLEN : 0);
}

// The struct that lies between the header of a request and its attributes.
size_t family_size(uint16_t message_type) {
  switch (message_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
    case RTM_GETLINK:
      return sizeof(struct ifinfomsg);
    case RTM_NEWADDR:
    case RTM_DELADDR:
    case RTM_GETADDR:
      return sizeof(struct ifaddrmsg);
    default:
      return sizeof(struct rtmsg);  // that of rules and neighbours has the same size
  }
}

static_assert(sizeof(struct rtmsg) == sizeof(struct fib_rule_hdr) && sizeof(struct rtmsg) == sizeof(struct ndmsg));

// The attribute of the request that begins at or holds `offset`, in words.
std::string place_in(Bytes request, uint32_t offset) {
  std::string place = " at offset " + std::to_string(offset);
  struct nlmsghdr header;
  if (request.size() < sizeof header) return "something" + place;
  std::memcpy(&header, request.data(), sizeof header);
  size_t start = NLMSG_HDRLEN + NLMSG_ALIGN(family_size(header.nlmsg_type));
  if (offset >= NLMSG_HDRLEN && offset < start) return "the header" + place;
  if (start > request.size()) return "something" + place;
  AttributeReader reader(request.subspan(start), start);
  for (AttributeView attribute; reader.next(attribute);) {
    if (offset == attribute.offset) return attribute_name(header.nlmsg_type, attribute.type) + place;
    if (offset > attribute.offset && offset < attribute.offset + NLA_HDRLEN + attribute.payload.size()) {
      return "in " + attribute_name(header.nlmsg_type, attribute.type) + place;
    }
  }
  return "something" + place;
}

}  // namespace

Result<Acknowledgement> parse_acknowledgement(const MessageView& message) {
  int status = 0;
  // NLMSG_DONE of old dumps carries nothing at all.
  if (message.payload.size() < sizeof status) {
    if (message.type == NLMSG_DONE && message.payload.empty()) return Acknowledgement{};
    return Error{EBADMSG, "netlink", {}, {}, "acknowledgement cut off at offset " + std::to_string(NLMSG_HDRLEN)};
  }
  std::memcpy(&status, message.payload.data(), sizeof status);
  if (status > 0 || status < -4095) {
    return Error{EBADMSG, "netlink", {}, {}, "impossible error number at offset " + std::to_string(NLMSG_HDRLEN)};
  }
  Acknowledgement acknowledgement{.errno_value = -status};
  size_t start = std::min(attributes_offset(message), message.payload.size());
  AttributeReader reader(message.payload.subspan(start), NLMSG_HDRLEN + start);
  for (AttributeView attribute; reader.next(attribute);) {
    switch (attribute.type) {
      case NLMSGERR_ATTR_MSG:
        acknowledgement.text = reader.text(attribute);
        break;
      case NLMSGERR_ATTR_OFFS:
        acknowledgement.offset = reader.u32(attribute);
        break;
      case NLMSGERR_ATTR_MISS_TYPE:
        acknowledgement.missing_type = reader.u32(attribute);
        break;
      case NLMSGERR_ATTR_MISS_NEST:
        acknowledgement.missing_nest = reader.u32(attribute);
        break;
      default:
        break;
    }
  }
  if (auto read = reader.finish("acknowledgement"); !read) return read.error();
  return acknowledgement;
}

std::string explain(const Acknowledgement& acknowledgement, Bytes request) {
  std::string words = acknowledgement.text;
  auto add = [&](const std::string& more) { words += (words.empty() ? "" : ": ") + more; };
  if (acknowledgement.offset) add(place_in(request, *acknowledgement.offset));
  if (acknowledgement.missing_type) {
    struct nlmsghdr header = {};
    if (request.size() >= sizeof header) std::memcpy(&header, request.data(), sizeof header);
    // What is missing in a nest has a name of that nest, which is not in the table.
    if (acknowledgement.missing_nest) {
      add("attribute " + std::to_string(*acknowledgement.missing_type) + " is missing in " +
          place_in(request, *acknowledgement.missing_nest));
    } else {
      add(attribute_name(header.nlmsg_type, *acknowledgement.missing_type) + " is missing");
    }
  }
  return words;
}

}  // namespace talos::netlink
