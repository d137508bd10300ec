// Two connections whose bytes go to each other, moved by the reactor's thread: JavaScript has made them and hears of their end.
//
//   both ways open → (one side ends) → half closed → (the other side ends, all is delivered) → over
//        |                                 |
//        └── an error on either side, or abort() ──→ both are reset, over
//
// A side is not read from while the other has not taken what was read, so that a relay holds one block a way at most, and nothing
// while both keep up. The block that is read into is the thread's own, for all relays.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "reactor/reactor.h"

namespace talos::relay {

// Told once of each, in this order, at most; on the reactor's thread or that of abort(), with no lock held. Must not block.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void on_half_closed() noexcept = 0;
  virtual void on_over() noexcept = 0;
};

class Relay : public std::enable_shared_from_this<Relay> {
 public:
  // Takes over both, which must be non-blocking. The listener lives until the relay is over.
  static Result<std::shared_ptr<Relay>> start(UniqueFd one, UniqueFd other, std::shared_ptr<Listener> listener);
  Relay(UniqueFd one, UniqueFd other, std::shared_ptr<Listener> listener);
  ~Relay();

  // Any thread. Resets both sides; does not call the listener. Idempotent.
  void abort();
  // Any thread: bytes that were delivered so far, both ways.
  [[nodiscard]] uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Side : ReadyHandler {
    Side(std::shared_ptr<Relay> owner, int number) : relay(std::move(owner)), which(number) {}
    void on_ready(uint32_t events) noexcept override {
      relay->ready();
      (void)events;
    }
    std::shared_ptr<Relay> relay;
    int which;
  };
  struct End {
    UniqueFd fd;
    std::optional<Reactor::Token> token;
    uint32_t waits_for = 0;
    // Bytes that were read from the other one and that this one has not taken.
    std::vector<std::byte> left;
    size_t left_from = 0;
    bool is_read_to_end = false;
    bool is_written_to_end = false;
    [[nodiscard]] bool has_left() const { return left_from < left.size(); }
  };

  void ready();
  // With the lock held. False: a side is broken.
  bool move(End& from, End& to);
  bool deliver(End& to);
  bool finish(End& from, End& to);
  bool wait_for(int which, uint32_t events);
  bool update_waits();
  void close(bool with_reset);

  std::mutex mutex_;  // guards what follows
  End ends_[2];
  bool is_over_ = false;
  bool told_half_closed_ = false;
  std::shared_ptr<Listener> listener_;
  std::atomic<uint64_t> bytes_ = 0;
};

}  // namespace talos::relay
