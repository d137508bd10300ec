#include "netlink/dump.h"

#include <set>

#include "netlink/neighbour.h"
#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

constexpr uint16_t kFlags = NLM_F_REQUEST | NLM_F_DUMP;

MessageBuilder link_dump(const DumpQuery& query) {
  MessageBuilder request(RTM_GETLINK, kFlags, ifinfomsg{});
  request.attribute(IFLA_EXT_MASK, uint32_t{RTEXT_FILTER_SKIP_STATS});
  if (query.master != 0) request.attribute(IFLA_MASTER, query.master);
  if (!query.link_kind.empty()) {
    size_t info = request.begin_nest(IFLA_LINKINFO);
    request.attribute(IFLA_INFO_KIND, std::string_view(query.link_kind));
    request.end_nest(info);
  }
  return request;
}

MessageBuilder address_dump(const DumpQuery& query, uint8_t family) {
  struct ifaddrmsg info = {};
  info.ifa_family = family;
  info.ifa_index = query.index;
  return MessageBuilder(RTM_GETADDR, kFlags, info);
}

MessageBuilder route_dump(const DumpQuery& query, uint8_t family) {
  struct rtmsg info = {};
  info.rtm_family = family;
  info.rtm_protocol = query.protocol;
  info.rtm_type = query.type;
  MessageBuilder request(RTM_GETROUTE, kFlags, info);
  if (query.table != 0) request.attribute(RTA_TABLE, query.table);
  if (query.index != 0) request.attribute(RTA_OIF, query.index);
  return request;
}

MessageBuilder rule_dump(uint8_t family) {
  struct fib_rule_hdr info = {};
  info.family = family;
  return MessageBuilder(RTM_GETRULE, kFlags, info);
}

MessageBuilder neighbour_dump(const DumpQuery& query, uint8_t family) {
  struct ndmsg info = {};
  info.ndm_family = family;
  MessageBuilder request(RTM_GETNEIGH, kFlags, info);
  if (query.index != 0) request.attribute(NDA_IFINDEX, query.index);
  if (query.master != 0) request.attribute(NDA_MASTER, query.master);
  return request;
}

// Which neighbours a list has, whatever their states.
using Neighbours = std::set<std::string>;

Result<void> note_neighbour(Neighbours& neighbours, const MessageView& message) {
  auto neighbour = parse_neighbour(message);
  if (!neighbour) return neighbour.error();
  std::string key = std::to_string(neighbour.value().index) + " ";
  append_address(key, neighbour.value().address);
  neighbours.insert(std::move(key));
  return {};
}

Result<void> dump_family(RouteSocket& socket, const DumpQuery& query, uint8_t family, Batch& batch, Neighbours& neighbours) {
  auto start_over = [&] {
    batch.clear();
    neighbours.clear();
  };
  return socket.dump([&] { return build_dump(query, family); }, start_over,
                     [&](const MessageView& message) -> Result<void> {
                       if (kind_of(message.type) != query.kind || is_removal(message.type)) return {};
                       // Without IPv6 in the kernel, others answer a question about it.
                       auto written = write_object(batch, message, What::kListed, family);
                       if (!written) return written.error();
                       return query.kind == Kind::kNeighbour ? note_neighbour(neighbours, message) : Result<void>();
                     });
}

// The kernel does not mark a list of neighbours as interrupted. One that came in several parts may lack entries that were there
// all the time, when others before them went meanwhile: so it counts when the next one has the same.
Result<void> dump_until_it_counts(RouteSocket& socket, const DumpQuery& query, uint8_t family, Batch& batch) {
  Neighbours before;
  for (int attempt = 0; attempt < RouteSocket::kMaxDumps; attempt++) {
    Neighbours neighbours;
    if (auto done = dump_family(socket, query, family, batch, neighbours); !done) return done;
    if (query.kind != Kind::kNeighbour || socket.parts() <= 1) return {};
    if (attempt > 0 && neighbours == before) return {};
    before = std::move(neighbours);
  }
  return Error{EAGAIN, "netlink", {}, {}, "the neighbours were others every time"};
}

}  // namespace

MessageBuilder build_dump(const DumpQuery& query, uint8_t family) {
  switch (query.kind) {
    case Kind::kLink:
      return link_dump(query);
    case Kind::kAddress:
      return address_dump(query, family);
    case Kind::kRoute:
      return route_dump(query, family);
    case Kind::kRule:
      return rule_dump(family);
    case Kind::kNeighbour:
    default:
      return neighbour_dump(query, family);
  }
}

Result<void> dump(RouteSocket& socket, const DumpQuery& query, Batch& batch) {
  Batch collected;
  // Each family by itself: the kernel refuses filters in a dump of all of them.
  for (uint8_t family : {AF_INET, AF_INET6}) {
    if (query.kind != Kind::kLink && query.family != AF_UNSPEC && query.family != family) continue;
    Batch of_family;
    auto done = dump_until_it_counts(socket, query, family, of_family);
    bool has_no_table = !done && done.error().errno_value == ENOENT && query.table != 0;
    if (!done && !has_no_table) return done;
    collected.append(std::move(of_family));
    if (query.kind == Kind::kLink) break;
  }
  batch.append(std::move(collected));
  return {};
}

}  // namespace talos::netlink
