// One epoll thread for the whole process: everything that waits for a descriptor waits here.
//
// The thread is started by the first registration and lives as long as the process; the reactor is never destroyed, so that
// nothing has to be joined while the process exits. Handlers are owned by the reactor from add() to remove() and may outlive
// remove() by the length of one call that is under way.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <memory>

#include "base/result.h"

namespace talos {

class ReadyHandler {
 public:
  virtual ~ReadyHandler() = default;
  // Reactor thread; must not block. `events` as of epoll_wait(2).
  virtual void on_ready(uint32_t events) noexcept = 0;
};

class Reactor {
 public:
  using Token = uint64_t;

  static Reactor& instance();

  // Any thread. The handler must keep `fd` open as long as it lives; `events` may carry EPOLLONESHOT. The first one starts the
  // thread; if there is no descriptor or no thread to be had just then (EMFILE, EAGAIN), the next one tries again.
  Result<Token> add(int fd, uint32_t events, std::shared_ptr<ReadyHandler> handler);
  // Any thread. Changes what is waited for; re-arms a one-shot registration.
  Result<void> rearm(Token token, uint32_t events);
  // Any thread. Idempotent. Call it before the handler's descriptor is closed.
  void remove(Token token);

 private:
  Reactor();
  // With the lock held.
  Result<void> ensure_running();
  void run() noexcept;

  struct State;
  State* state_;
};

}  // namespace talos
