#include "netlink/attributes.h"

#include <algorithm>

#include "sys/netlink_calls.h"

namespace talos::netlink {

AttributeReader::AttributeReader(const AttributeView& nest) : rest_(nest.payload), offset_(nest.offset + NLA_HDRLEN) {}

bool AttributeReader::next(AttributeView& attribute) {
  if (rest_.empty() || fault_ != nullptr) return false;
  struct nlattr header;
  if (rest_.size() < sizeof header) {
    fault("header cut off of attribute", {.offset = offset_});
    return false;
  }
  std::memcpy(&header, rest_.data(), sizeof header);
  attribute.type = header.nla_type & NLA_TYPE_MASK;
  attribute.offset = offset_;
  if (header.nla_len < NLA_HDRLEN || header.nla_len > rest_.size()) {
    fault("impossible length of attribute", attribute);
    return false;
  }
  attribute.payload = rest_.subspan(NLA_HDRLEN, static_cast<size_t>(header.nla_len) - NLA_HDRLEN);
  // The last one need not be padded.
  size_t taken = std::min<size_t>(NLA_ALIGN(header.nla_len), rest_.size());
  rest_ = rest_.subspan(taken);
  offset_ += taken;
  return true;
}

std::string_view AttributeReader::text(const AttributeView& attribute) {
  std::string_view all(reinterpret_cast<const char*>(attribute.payload.data()), attribute.payload.size());
  size_t end = all.find('\0');
  if (end == std::string_view::npos) {
    fault("text without an end in attribute", attribute);
    return {};
  }
  return all.substr(0, end);
}

void AttributeReader::include(const AttributeReader& nest) {
  if (fault_ != nullptr) return;
  fault_ = nest.fault_;
  fault_type_ = nest.fault_type_;
  fault_offset_ = nest.fault_offset_;
}

void AttributeReader::fault(const char* what, const AttributeView& attribute) {
  if (fault_ != nullptr) return;
  fault_ = what;
  fault_type_ = attribute.type;
  fault_offset_ = attribute.offset;
}

Result<void> AttributeReader::finish(const char* message) const {
  if (fault_ == nullptr) return {};
  std::string detail = std::string(fault_) + " " + std::to_string(fault_type_) + " at offset " + std::to_string(fault_offset_);
  return Error{EBADMSG, message, {}, {}, std::move(detail)};
}

}  // namespace talos::netlink
