// What happens to links, addresses, routes, rules and neighbours, without a gap: events from the kernel's multicast groups, and a
// whole new list whenever events were or may have been lost.
//
//   state          on entering                     what receive() does
//   lost           start, overrun (ENOBUFS),       throws away what is queued, until the queue is empty; then lists all kinds
//                  an event it cannot read
//   overlapping    a list was written              hands events over; at the empty queue -> following
//   following      the queue was empty             hands events over
//   stale routes   (beside the others)             at the empty queue, or after kMaxStaleEvents, lists the routes
//
// Why in this order:
// - The socket joins its groups before the first list is made, so a change is in the list, or in the queue, or in both. In both
// is
//   harmless, for an event tells the whole new state of its object.
// - After an overrun the kernel drops *everything* until the queue has been emptied, and says so only once. Listing earlier would
//   leave a gap that nobody is told of.
// - The kernel announces the removal of an IPv4 route, or of a link, just before it does it, under its rtnl lock. Each list
//   therefore begins with a request that takes that lock: what was announced in the events that were thrown away is done by then.
// - When a link goes down, an address or a next hop object goes, the kernel drops the IPv4 routes through it without a word.
//   So the kinds' own groups are not enough for routes, and these changes make the routes stale.
// - A route that takes the place of another is announced as such; which one it replaced is clear only if the receiver's list is
// that
//   of the same moment. Hence such an event in the overlap makes the routes stale too.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "netlink/batch.h"
#include "netlink/objects.h"

namespace talos::netlink {

enum class ResyncCause : uint8_t { kStart = 0, kOverrun = 1, kStaleRoutes = 2 };

// Not thread-safe.
class Subscription {
 public:
  enum class Outcome {
    kEmpty,  // wait for the descriptor
    kMore    // call again, when others had their turn
  };

  // Joins the groups of `kinds`; nothing is listed yet.
  static Result<Subscription> open(Kinds kinds, int buffer_bytes);

  // Appends what has happened, at most about kBatchEvents events or one resync, and never waits for events; lists sleep for the
  // kernel's rtnl lock. kMore also when a list was interrupted by changes: nothing of it was appended then. After an error the
  // subscription is of no use.
  Result<Outcome> receive(Batch& batch);

  [[nodiscard]] int fd() const { return fd_.get(); }

  static constexpr int kBatchEvents = 512;
  static constexpr int kMaxStaleEvents = 4096;

 private:
  Subscription(UniqueFd fd, Kinds kinds, int buffer_bytes);

  // What came of one datagram.
  enum class Step { kTaken, kQueueEmpty, kLost };
  Result<Step> receive_datagram(Batch& batch);
  Step take(const MessageView& message, Batch& batch);
  Result<void> discard();
  Result<Outcome> list(Kinds kinds, ResyncCause cause, Batch& batch);
  void lose(ResyncCause cause);

  UniqueFd fd_;
  Kinds kinds_;
  // More datagrams than that cannot have waited at once, whatever their size.
  int max_queued_;
  std::vector<uint8_t> buffer_;
  bool is_lost_ = true;
  ResyncCause lost_by_ = ResyncCause::kStart;
  bool is_overlapping_ = false;
  bool has_stale_routes_ = false;
  int stale_events_ = 0;
  uint32_t epoch_ = 0;
};

}  // namespace talos::netlink
