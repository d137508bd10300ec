#include "relay/relay.h"

#include "sys/descriptor_calls.h"
#include "sys/stream_calls.h"

namespace talos::relay {

namespace {

constexpr size_t kBlock = 64 * 1024;
// Of one way, before the thread looks at others again.
constexpr int kBlocksAtOnce = 8;

// Of the reactor's thread, of which there is one, alone: nothing stays in it.
std::byte block[kBlock];

}  // namespace

Relay::Relay(UniqueFd one, UniqueFd other, std::shared_ptr<Listener> listener) : listener_(std::move(listener)) {
  ends_[0].fd = std::move(one);
  ends_[1].fd = std::move(other);
}

Relay::~Relay() = default;

Result<std::shared_ptr<Relay>> Relay::start(UniqueFd one, UniqueFd other, std::shared_ptr<Listener> listener) {
  auto relay = std::make_shared<Relay>(std::move(one), std::move(other), std::move(listener));
  std::lock_guard lock(relay->mutex_);
  for (int which = 0; which < 2; ++which) {
    auto token = Reactor::instance().add(relay->ends_[which].fd.get(), EPOLLIN, std::make_shared<Side>(relay, which));
    if (!token) {
      relay->close(true);
      return token.error();
    }
    relay->ends_[which].token = token.value();
    relay->ends_[which].waits_for = EPOLLIN;
  }
  return relay;
}

void Relay::abort() {
  std::lock_guard lock(mutex_);
  if (!is_over_) close(true);
}

void Relay::ready() {
  std::shared_ptr<Listener> half_closed;
  std::shared_ptr<Listener> over;
  {
    std::lock_guard lock(mutex_);
    if (is_over_) return;
    auto listener = listener_;
    const bool is_fine = move(ends_[0], ends_[1]) && move(ends_[1], ends_[0]) && update_waits();
    const bool is_done = ends_[0].is_written_to_end && ends_[1].is_written_to_end;
    if (!is_fine || is_done) {
      close(!is_fine);
      over = listener;
    } else if (!told_half_closed_ && (ends_[0].is_written_to_end || ends_[1].is_written_to_end)) {
      told_half_closed_ = true;
      half_closed = listener;
    }
  }
  if (half_closed) half_closed->on_half_closed();
  if (over) over->on_over();
}

bool Relay::move(End& from, End& to) {
  for (int count = 0; count < kBlocksAtOnce; ++count) {
    if (!deliver(to)) return false;
    if (to.has_left() || from.is_read_to_end) break;
    auto got = sys::read_available(from.fd.get(), reinterpret_cast<char*>(block), kBlock);
    if (!got) return false;
    if (got.value() < 0) break;
    if (got.value() == 0) {
      from.is_read_to_end = true;
      break;
    }
    const auto size = static_cast<size_t>(got.value());
    auto sent = sys::send_available(to.fd.get(), block, size);
    if (!sent) return false;
    const size_t taken = sent.value() < 0 ? 0 : static_cast<size_t>(sent.value());
    bytes_.fetch_add(taken, std::memory_order_relaxed);
    if (taken < size) to.left.assign(block + taken, block + size);
    // There is no more now: one look less.
    if (size < kBlock) break;
  }
  return finish(from, to);
}

bool Relay::deliver(End& to) {
  while (to.has_left()) {
    auto sent = sys::send_available(to.fd.get(), to.left.data() + to.left_from, to.left.size() - to.left_from);
    if (!sent) return false;
    if (sent.value() < 0) return true;
    to.left_from += static_cast<size_t>(sent.value());
    bytes_.fetch_add(static_cast<uint64_t>(sent.value()), std::memory_order_relaxed);
  }
  if (to.left_from != 0) {
    // Given back: most connections never need it again.
    std::vector<std::byte>().swap(to.left);
    to.left_from = 0;
  }
  return true;
}

bool Relay::finish(End& from, End& to) {
  if (!from.is_read_to_end || to.has_left() || to.is_written_to_end) return true;
  to.is_written_to_end = true;
  return sys::end_writing(to.fd.get()).ok();
}

bool Relay::update_waits() {
  for (int which = 0; which < 2; ++which) {
    const End& end = ends_[which];
    const bool is_read = !end.is_read_to_end && !ends_[1 - which].has_left();
    if (!wait_for(which, (is_read ? uint32_t{EPOLLIN} : 0) | (end.has_left() ? uint32_t{EPOLLOUT} : 0))) return false;
  }
  return true;
}

// One that is waited for in no way is not registered: epoll would tell of its end again and again.
bool Relay::wait_for(int which, uint32_t events) {
  End& end = ends_[which];
  if (end.waits_for == events) return true;
  end.waits_for = events;
  if (events == 0) {
    Reactor::instance().remove(*end.token);
    end.token.reset();
    return true;
  }
  if (end.token) return Reactor::instance().rearm(*end.token, events).ok();
  auto token = Reactor::instance().add(end.fd.get(), events, std::make_shared<Side>(shared_from_this(), which));
  if (!token) return false;
  end.token = token.value();
  return true;
}

void Relay::close(bool with_reset) {
  is_over_ = true;
  for (End& end : ends_) {
    if (end.token) Reactor::instance().remove(*end.token);
    end.token.reset();
    if (with_reset) sys::reset_on_close(end.fd.get());
    end.fd.reset();
    std::vector<std::byte>().swap(end.left);
    end.left_from = 0;
  }
  listener_.reset();
}

}  // namespace talos::relay
