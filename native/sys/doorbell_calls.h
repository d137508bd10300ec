// A bell between two processes: one side rings and never waits, the other sleeps until it has rung.
//
// It is a pair of datagram sockets and not an eventfd(2): those who share an eventfd share its description, so the listener could
// clear O_NONBLOCK on it, fill the counter, and with that put to sleep whoever rings. Here each side has a description of its
// own, and MSG_DONTWAIT does not depend on any. A pipe would not do either: who reads it holds its lock while a page is brought
// in.
#pragma once

#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

struct Doorbell {
  UniqueFd ringer;    // for ring_doorbell()
  UniqueFd listener;  // readable once it was rung; to be handed out
};
Result<Doorbell> create_doorbell();

// Never sleeps, whatever the listener does. A full queue is as good as rung, and nobody may be there any more.
void ring_doorbell(int ringer);

// ENOTSOCK or EINVAL when it cannot be a listener's end.
Result<void> require_listener(int fd);

// Takes what has been rung so far; does not sleep.
void drain_doorbell(int listener);

}  // namespace talos::sys
