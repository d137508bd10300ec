#include "netlink/requests.h"

#include "netlink/objects.h"
#include "netlink/route_socket.h"
#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

uint16_t flags_of(Change change) {
  switch (change) {
    case Change::kAdd:
      return NLM_F_CREATE | NLM_F_EXCL;
    case Change::kReplace:
      return NLM_F_CREATE | NLM_F_REPLACE;
    case Change::kRemove:
    default:
      return 0;
  }
}

uint16_t type_of(Change change, uint16_t addition, uint16_t removal) { return change == Change::kRemove ? removal : addition; }

Result<void> send(Result<MessageBuilder> request, const std::string& path) {
  if (!request) return request.error();
  auto socket = RouteSocket::open();
  if (!socket) return socket.error();
  auto done = socket.value().request(request.value());
  if (!done) done.error().path = path;
  return done;
}

Result<Link> query_link(uint32_t index, const std::string& name) {
  auto socket = RouteSocket::open();
  if (!socket) return socket.error();
  MessageBuilder query = build_link_query(index, name);
  Link found;
  auto done = socket.value().query(query, [&](const MessageView& answer) -> Result<void> {
    auto link = parse_link(answer);
    if (!link) return link.error();
    found = std::move(link).value();
    return {};
  });
  if (!done) {
    done.error().path = name;
    return done.error();
  }
  return found;
}

}  // namespace

Result<int> add_link(const NewLink& link) {
  if (auto added = send(build_new_link(link), link.settings.name); !added) return added.error();
  // The acknowledgement does not tell it.
  auto made = query_link(0, link.settings.name);
  if (!made) return made.error();
  return made.value().index;
}

Result<void> change_link(uint32_t index, const LinkChange& change) { return send(build_link_change(index, change), change.name); }

Result<void> remove_link(uint32_t index) { return send(build_link_removal(index), {}); }

Result<void> find_link(uint32_t index, const std::string& name, Batch& batch) {
  auto link = query_link(index, name);
  if (!link) return link.error();
  batch.number(record_head(Kind::kLink, What::kListed));
  write(batch, link.value());
  return {};
}

Result<void> change_address(Change change, const InterfaceAddressSpec& spec) {
  uint16_t type = type_of(change, RTM_NEWADDR, RTM_DELADDR);
  return send(build_interface_address(type, flags_of(change), spec), spec.address);
}

Result<void> change_route(Change change, const RouteSpec& spec) {
  uint16_t type = type_of(change, RTM_NEWROUTE, RTM_DELROUTE);
  return send(build_route(type, flags_of(change), spec), spec.destination);
}

Result<void> change_rule(Change change, const RuleSpec& spec) {
  std::string path = spec.priority ? std::to_string(*spec.priority) : std::string();
  return send(build_rule(type_of(change, RTM_NEWRULE, RTM_DELRULE), spec), path);
}

Result<void> change_neighbour(Change change, const NeighbourSpec& spec) {
  uint16_t type = type_of(change, RTM_NEWNEIGH, RTM_DELNEIGH);
  return send(build_neighbour(type, flags_of(change), spec), spec.address);
}

}  // namespace talos::netlink
