#include "reactor/reactor.h"

#include <pthread.h>

#include <array>
#include <csignal>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/unique_fd.h"
#include "sys/epoll_calls.h"

namespace talos {

struct Reactor::State {
  struct Entry {
    int fd;
    std::shared_ptr<ReadyHandler> handler;
  };

  UniqueFd epoll;
  std::mutex mutex;  // guards entries and next_token
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

Reactor::Reactor() : state_(new State()) {
  auto epoll = sys::create_epoll();
  // Without an epoll descriptor every add() reports EBADF: the caller learns it, the process goes on.
  if (epoll) state_->epoll = std::move(epoll).value();
  // The signals of the process are JavaScript's to handle: this thread takes none of them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([this] { run(); }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Result<Reactor::Token> Reactor::add(int fd, uint32_t events, std::shared_ptr<ReadyHandler> handler) {
  Token token;
  {
    std::lock_guard lock(state_->mutex);
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
  pthread_setname_np(pthread_self(), "talos-reactor");
  std::array<epoll_event, 64> ready;
  for (;;) {
    int count = sys::epoll_wait_forever(state_->epoll.get(), ready.data(), static_cast<int>(ready.size()));
    if (count < 0) return;
    for (int i = 0; i < count; ++i) {
      if (auto handler = state_->find(ready[i].data.u64)) handler->on_ready(ready[i].events);
    }
  }
}

}  // namespace talos
