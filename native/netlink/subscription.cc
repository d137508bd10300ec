#include "netlink/subscription.h"

#include "netlink/dump.h"
#include "netlink/link.h"
#include "netlink/route_socket.h"
#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

// Events are a few hundred bytes; only links with many virtual functions are larger.
constexpr size_t kBatchBytes = 64 * 1024;
// The least that the kernel charges the queue for a message is more than this.
constexpr int kMinCharge = 256;

constexpr uint32_t bit(uint32_t group) { return 1u << (group - 1); }

uint32_t groups_of(Kinds kinds) {
  uint32_t groups = 0;
  if (kinds.has(Kind::kLink)) groups |= bit(RTNLGRP_LINK);
  if (kinds.has(Kind::kAddress)) groups |= bit(RTNLGRP_IPV4_IFADDR) | bit(RTNLGRP_IPV6_IFADDR);
  if (kinds.has(Kind::kRule)) groups |= bit(RTNLGRP_IPV4_RULE) | bit(RTNLGRP_IPV6_RULE);
  if (kinds.has(Kind::kNeighbour)) groups |= bit(RTNLGRP_NEIGH);
  if (kinds.has(Kind::kRoute)) {
    groups |= bit(RTNLGRP_IPV4_ROUTE) | bit(RTNLGRP_IPV6_ROUTE);
    // What takes routes along.
    groups |= bit(RTNLGRP_LINK) | bit(RTNLGRP_IPV4_IFADDR) | bit(RTNLGRP_NEXTHOP);
  }
  return groups;
}

constexpr Kinds kRoutesOnly(1u << static_cast<unsigned>(Kind::kRoute));

// A question about one link takes the rtnl lock, and the answer does not matter: when it is there, every change that was under
// way is done.
Result<void> wait_for_changes_under_way(RouteSocket& socket) {
  MessageBuilder query = build_link_query(1, {});
  auto answered = socket.query(query, [](const MessageView&) -> Result<void> { return {}; });
  bool has_no_such_link = !answered && answered.error().errno_value == ENODEV;
  return has_no_such_link ? Result<void>() : answered;
}

}  // namespace

Subscription::Subscription(UniqueFd fd, Kinds kinds, int buffer_bytes)
    : fd_(std::move(fd)), kinds_(kinds), max_queued_(2 * buffer_bytes / kMinCharge + 64), buffer_(kBatchBytes) {}

Result<Subscription> Subscription::open(Kinds kinds, int buffer_bytes) {
  auto fd = sys::open_route_monitor(groups_of(kinds), buffer_bytes);
  if (!fd) return fd.error();
  return Subscription(std::move(fd).value(), kinds, buffer_bytes);
}

Result<Subscription::Outcome> Subscription::receive(Batch& batch) {
  if (is_lost_) {
    if (auto discarded = discard(); !discarded) return discarded.error();
    return list(kinds_, lost_by_, batch);
  }
  for (int count = 0; count < kBatchEvents; count++) {
    auto step = receive_datagram(batch);
    if (!step) return step.error();
    if (step.value() == Step::kLost) return Outcome::kMore;
    if (step.value() == Step::kQueueEmpty) {
      is_overlapping_ = false;
      if (!has_stale_routes_) return Outcome::kEmpty;
      return list(kRoutesOnly, ResyncCause::kStaleRoutes, batch);
    }
    if (has_stale_routes_ && ++stale_events_ >= kMaxStaleEvents) return list(kRoutesOnly, ResyncCause::kStaleRoutes, batch);
  }
  return Outcome::kMore;
}

Result<Subscription::Step> Subscription::receive_datagram(Batch& batch) {
  using Datagram = sys::NetlinkDatagram::Kind;
  auto datagram = sys::receive_netlink(fd_.get(), buffer_);
  if (!datagram) return datagram.error();
  if (datagram.value().kind == Datagram::kNothing) return Step::kQueueEmpty;
  // Any root process may send to the groups; the kernel alone has port 0.
  if (datagram.value().kind == Datagram::kMessage && datagram.value().sender_port != 0) return Step::kTaken;
  bool is_whole = datagram.value().kind == Datagram::kMessage && !datagram.value().is_truncated;
  auto messages = is_whole ? split_messages(Bytes(buffer_).first(datagram.value().size)) : Error{EBADMSG};
  if (!messages) {
    lose(ResyncCause::kOverrun);
    return Step::kLost;
  }
  for (const MessageView& message : messages.value()) {
    if (take(message, batch) == Step::kLost) return Step::kLost;
  }
  return Step::kTaken;
}

Subscription::Step Subscription::take(const MessageView& message, Batch& batch) {
  if (kinds_.has(Kind::kRoute) && may_remove_routes(message)) has_stale_routes_ = true;
  auto kind = kind_of(message.type);
  if (!kind || !kinds_.has(*kind)) return Step::kTaken;
  What what = is_removal(message.type) ? What::kRemoved : What::kNew;
  if (message.type == RTM_NEWROUTE && (message.flags & NLM_F_REPLACE) != 0) {
    what = What::kReplaced;
    if (is_overlapping_) has_stale_routes_ = true;
  }
  if (write_object(batch, message, what, AF_UNSPEC)) return Step::kTaken;
  // One that we cannot read is one that we do not know: the same cure as for a lost one.
  lose(ResyncCause::kOverrun);
  return Step::kLost;
}

void Subscription::lose(ResyncCause cause) {
  is_lost_ = true;
  lost_by_ = cause;
}

Result<void> Subscription::discard() {
  using Datagram = sys::NetlinkDatagram::Kind;
  // When that many have been taken, the queue was empty in between, and later overruns are told anew: what follows is not lost.
  for (int count = 0; count < max_queued_; count++) {
    auto datagram = sys::receive_netlink(fd_.get(), buffer_);
    if (!datagram) return datagram.error();
    if (datagram.value().kind == Datagram::kNothing) return {};
  }
  return {};
}

Result<Subscription::Outcome> Subscription::list(Kinds kinds, ResyncCause cause, Batch& batch) {
  auto socket = RouteSocket::open();
  if (!socket) return socket.error();
  if (auto waited = wait_for_changes_under_way(socket.value()); !waited) return waited.error();
  Batch lists;
  for (Kind kind : kAllKinds) {
    if (!kinds.has(kind)) continue;
    DumpQuery query;
    query.kind = kind;
    auto listed = dump(socket.value(), query, lists);
    // Interrupted every time: somebody else shall have the thread before the next attempt.
    if (!listed && listed.error().errno_value == EAGAIN) return Outcome::kMore;
    if (!listed) return listed.error();
  }
  batch.number(record_head(Kind::kLink, What::kResync));
  batch.number(kinds.bits());
  batch.number(static_cast<double>(cause));
  batch.number(++epoch_);
  batch.append(std::move(lists));
  batch.number(record_head(Kind::kLink, What::kListEnd));
  is_lost_ = is_lost_ && kinds != kinds_;
  has_stale_routes_ = false;
  stale_events_ = 0;
  is_overlapping_ = true;
  return Outcome::kMore;
}

}  // namespace talos::netlink
