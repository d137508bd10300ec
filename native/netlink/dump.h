// All objects of a kind: requests for dumps with the kernel's own filters, and their answers as a batch.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "netlink/batch.h"
#include "netlink/objects.h"
#include "netlink/route_socket.h"

namespace talos::netlink {

// Fields that are 0 or empty do not filter; each kind heeds those that are named with it.
struct DumpQuery {
  Kind kind = Kind::kLink;
  // AF_INET, AF_INET6; AF_UNSPEC: both. Not links.
  uint8_t family = 0;
  // Interface: addresses, routes, neighbours.
  uint32_t index = 0;
  // Bridge or bond: links, neighbours.
  uint32_t master = 0;
  // Links: "veth".
  std::string link_kind{};
  // Routes.
  uint32_t table = 0;
  uint8_t protocol = 0;
  uint8_t type = 0;
};

// Pure. `family` overrides that of the query.
MessageBuilder build_dump(const DumpQuery& query, uint8_t family);

// Appends a record for each object, and none when it fails. A table that does not exist has no routes: no error.
// EAGAIN when the dump was interrupted by changes every time · ENODEV no such interface · EBADMSG malformed answer.
Result<void> dump(RouteSocket& socket, const DumpQuery& query, Batch& batch);

}  // namespace talos::netlink
