// Datagrams of the route socket: headers, attributes within attributes, acknowledgements, links.
#include "fuzz/input.h"
#include "netlink/message.h"
#include "netlink/route.h"

namespace {

using namespace talos::netlink;
using talos::fuzz::require;

// Most attributes nest at most this deep; the walk must end by itself all the same.
constexpr int kDepth = 8;

void walk_attributes(Bytes payload, int depth) {
  auto attributes = split_attributes(payload);
  if (!attributes) {
    require(attributes.error().errno_value == EBADMSG, "an error that says what");
    return;
  }
  size_t total = 0;
  for (const AttributeView& attribute : attributes.value()) {
    total += 4 + attribute.payload.size();
    (void)attribute_u32(attribute);
    if (auto text = attribute_string(attribute)) require(text->size() < attribute.payload.size(), "a string has its NUL");
    if (depth < kDepth) walk_attributes(attribute.payload, depth + 1);
  }
  require(total <= payload.size(), "attributes do not overlap");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto messages = split_messages({data, size});
  if (!messages) {
    require(messages.error().errno_value == EBADMSG, "an error that says what");
    return 0;
  }
  size_t total = 0;
  for (const MessageView& message : messages.value()) {
    total += 16 + message.payload.size();
    walk_attributes(message.payload, 0);
    (void)parse_acknowledgement(message).ok();
    if (auto link = parse_link(message)) require(link.value().index > 0 && !link.value().name.empty(), "a link is named");
  }
  require(total <= size, "messages do not overlap");
  return 0;
}
