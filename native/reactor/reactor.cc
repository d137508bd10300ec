#include "reactor/reactor.h"

#include <array>
#include <mutex>
#include <unordered_map>

#include "base/unique_fd.h"
#include "sys/epoll_calls.h"
#include "sys/thread_calls.h"

namespace talos {

struct Reactor::State {
  struct Entry {
    int fd;
    std::shared_ptr<ReadyHandler> handler;
  };

  std::mutex mutex;  // guards everything here; epoll stays what it is once there is one
  UniqueFd epoll;
  bool is_running = false;
  std::unordered_map<Token, Entry> entries;
  Token next_token = 1;

  std::shared_ptr<ReadyHandler> find(Token token) {
    std::lock_guard lock(mutex);
    auto found = entries.find(token);
    return found == entries.end() ? nullptr : found->second.handler;
  }
};

Reactor& Reactor::instance() {
  // Leaked on purpose: see the header.
  static Reactor* reactor = new Reactor();
  return *reactor;
}

Reactor::Reactor() : state_(new State()) {}

Result<void> Reactor::ensure_running() {
  if (state_->is_running) return {};
  if (!state_->epoll) {
    auto epoll = sys::create_epoll();
    if (!epoll) return epoll.error();
    state_->epoll = std::move(epoll).value();
  }
  if (auto started = sys::start_thread("talos-reactor", [this] { run(); }); !started) return started;
  state_->is_running = true;
  return {};
}

Result<Reactor::Token> Reactor::add(int fd, uint32_t events, std::shared_ptr<ReadyHandler> handler) {
  Token token;
  {
    std::lock_guard lock(state_->mutex);
    if (auto running = ensure_running(); !running) return running.error();
    token = state_->next_token++;
    state_->entries.emplace(token, State::Entry{fd, std::move(handler)});
  }
  if (auto added = sys::epoll_add(state_->epoll.get(), fd, events, token); !added) {
    remove(token);
    return added.error();
  }
  return token;
}

Result<void> Reactor::rearm(Token token, uint32_t events) {
  std::lock_guard lock(state_->mutex);
  auto found = state_->entries.find(token);
  if (found == state_->entries.end()) return Error{EBADF, "epoll_ctl", {}, {}, {}};
  return sys::epoll_modify(state_->epoll.get(), found->second.fd, events, token);
}

void Reactor::remove(Token token) {
  std::shared_ptr<ReadyHandler> handler;
  {
    std::lock_guard lock(state_->mutex);
    auto found = state_->entries.find(token);
    if (found == state_->entries.end()) return;
    sys::epoll_remove(state_->epoll.get(), found->second.fd);
    handler = std::move(found->second.handler);
    state_->entries.erase(found);
  }
  // The handler may die here, outside of the lock: its destructor may call us.
}

void Reactor::run() noexcept {
  const int epoll = state_->epoll.get();
  std::array<epoll_event, 64> ready;
  for (;;) {
    int count = sys::epoll_wait_forever(epoll, ready.data(), static_cast<int>(ready.size()));
    if (count < 0) return;
    for (int i = 0; i < count; ++i) {
      if (auto handler = state_->find(ready[i].data.u64)) handler->on_ready(ready[i].events);
    }
  }
}

}  // namespace talos
