// The reactor with threads of its own and of ours, and what it does without descriptors or threads to be had.
#include "reactor/reactor.h"

#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "sys/descriptor_calls.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using namespace talos;
using namespace talos::test;

// Counts the bytes that come out of its pipe.
class Counter : public ReadyHandler {
 public:
  Counter() {
    auto ends = sys::create_pipe();
    if (!ends) std::abort();
    reader_ = std::move(ends.value().first);
    writer_ = std::move(ends.value().second);
  }
  void on_ready(uint32_t) noexcept override {
    char buffer[16];
    auto got = ::read(reader_.get(), buffer, sizeof buffer);
    std::lock_guard lock(mutex_);
    count_ += static_cast<int>(got);
    changed_.notify_all();
  }
  void ring() {
    if (::write(writer_.get(), "x", 1) != 1) std::abort();
  }
  void wait_for(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return count_ >= count; });
  }
  [[nodiscard]] int fd() const { return reader_.get(); }

 private:
  UniqueFd reader_;
  UniqueFd writer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

// A handler may outlive remove() by the call that is under way. When the reactor has served another one, those before it are
// gone.
size_t descriptors_at_rest() {
  auto last = std::make_shared<Counter>();
  auto added = Reactor::instance().add(last->fd(), EPOLLIN, last);
  last->ring();
  last->wait_for(1);
  Reactor::instance().remove(added.value());
  return open_descriptors();
}

void starts_when_there_is_room_again() {
  auto& reactor = Reactor::instance();
  auto counter = std::make_shared<Counter>();
  for (auto [call, error] : {std::pair("epoll_create1", EMFILE), {"pthread_create", EAGAIN}, {"epoll_ctl", ENOSPC}}) {
    fail_call(call, 1, error);
    auto added = reactor.add(counter->fd(), EPOLLIN, counter);
    check(!added && added.error().errno_value == error && std::string_view(added.error().syscall) == call, call);
    check_equal(counter.use_count(), 1, "the handler is let go");
  }
  auto added = reactor.add(counter->fd(), EPOLLIN, counter);
  check(added.ok());
  counter->ring();
  counter->wait_for(1);
  fail_call("epoll_ctl", 1, ENOMEM);
  auto rearmed = reactor.rearm(added.value(), EPOLLIN | EPOLLONESHOT);
  check(!rearmed && rearmed.error().errno_value == ENOMEM);
  reactor.remove(added.value());
  auto gone = reactor.rearm(added.value(), EPOLLIN);
  check(!gone && gone.error().errno_value == EBADF);
}

void goes_on_after_a_signal() {
  auto& reactor = Reactor::instance();
  auto counter = std::make_shared<Counter>();
  auto added = reactor.add(counter->fd(), EPOLLIN, counter);
  fail_call("epoll_wait", 1, EINTR);
  fail_call("epoll_wait", 2, EINTR);
  for (int round = 1; round <= 3; round++) {
    counter->ring();
    counter->wait_for(round);
  }
  check(clear_faults(), "EINTR was waited out");
  reactor.remove(added.value());
}

// Threads that add, ring, re-arm and remove at the same time; ThreadSanitizer watches.
void serves_many_threads() {
  constexpr int kThreads = 4;
  constexpr int kRounds = 200;
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; i++) {
    threads.emplace_back([&] {
      auto& reactor = Reactor::instance();
      for (int round = 0; round < kRounds; round++) {
        auto counter = std::make_shared<Counter>();
        auto added = reactor.add(counter->fd(), EPOLLIN | EPOLLONESHOT, counter);
        if (!added) {
          failures++;
          return;
        }
        counter->ring();
        counter->wait_for(1);
        if (!reactor.rearm(added.value(), EPOLLIN | EPOLLONESHOT)) failures++;
        counter->ring();
        counter->wait_for(2);
        reactor.remove(added.value());
        reactor.remove(added.value());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  check_equal(failures.load(), 0);
}

}  // namespace

int main() {
  starts_when_there_is_room_again();
  const size_t before = descriptors_at_rest();
  goes_on_after_a_signal();
  serves_many_threads();
  check_equal(descriptors_at_rest(), before);
  return finish();
}
