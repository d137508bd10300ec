// Datagrams of rtnetlink: headers, acknowledgements, every kind of object down to its record in a batch, and
// name servers in router advertisements.
#include "fuzz/input.h"
#include "netlink/acknowledgement.h"
#include "netlink/attributes.h"
#include "netlink/name_servers.h"
#include "netlink/objects.h"

namespace {

using namespace talos::netlink;
using talos::fuzz::require;

// Most attributes nest at most this deep; the walk must end by itself all the same.
constexpr int kDepth = 8;

void walk_attributes(AttributeReader reader, size_t size, int depth) {
  size_t total = 0;
  AttributeReader strict = reader;
  for (AttributeView attribute; reader.next(attribute);) {
    total += 4 + attribute.payload.size();
    (void)strict.u32(attribute);
    require(strict.text(attribute).size() <= attribute.payload.size(), "a text is inside of its attribute");
    if (depth < kDepth) walk_attributes(AttributeReader(attribute), attribute.payload.size(), depth + 1);
  }
  require(total <= size, "attributes do not overlap");
  auto read = reader.finish("message");
  require(read.ok() || (read.error().errno_value == EBADMSG && !read.error().detail.empty()), "an error that says what");
}

void write_record(const MessageView& message) {
  Batch batch;
  auto written = write_object(batch, message, What::kNew, 0);
  if (!written) require(written.error().errno_value == EBADMSG && !written.error().detail.empty(), "an error that says what");
  require(written.ok() && written.value() ? batch.numbers().size() > 1 : batch.is_empty(), "a whole record, or nothing");
  // No text comes from elsewhere; addresses are at most four times as long as their bytes.
  require(batch.texts().size() <= 4 * message.payload.size() + 256, "texts of the message");
  (void)may_remove_routes(message);
}

void read_name_servers(const MessageView& message) {
  auto found = parse_name_servers(message);
  if (!found) return;
  require(!found->servers.empty() && 16 * found->servers.size() <= message.payload.size(), "addresses of the message");
  Batch batch;
  write(batch, *found);
  require(batch.numbers().size() == 5 + found->servers.size(), "a whole record");
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
    walk_attributes(AttributeReader(message.payload, 16), message.payload.size(), 0);
    write_record(message);
    read_name_servers(message);
    // The request that an acknowledgement points into is just as doubtful here.
    if (auto acknowledgement = parse_acknowledgement(message)) (void)explain(acknowledgement.value(), {data, size});
  }
  require(total <= size, "messages do not overlap");
  return 0;
}
