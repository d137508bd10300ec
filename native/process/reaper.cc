#include "process/reaper.h"

#include <array>
#include <chrono>

#include "sys/thread_calls.h"

namespace talos::process {

namespace {

// Reaped with the lock held once: a storm of exits must not keep spawn() waiting.
constexpr size_t kBatch = 64;

// Without children there is nothing to sleep on but the next spawn. Orphans come from our descendants, and a descendant keeps us
// out of here, with one exception: a process that was put into our pid namespace from outside can leave children to us.
constexpr auto kLookAgainForStrangers = std::chrono::seconds(1);

}  // namespace

Reaper& Reaper::instance() {
  static Reaper* reaper = new Reaper();
  return *reaper;
}

Result<void> Reaper::start(bool subreaper) {
  std::lock_guard lock(mutex_);
  if (started_) return Error{EALREADY, "startReaper", {}, {}, {}};
  if (subreaper) {
    if (auto set = sys::set_child_subreaper(); !set) return set.error();
  }
  auto started = sys::start_thread("talos-reaper", [this] { run(); });
  started_ = started.ok();
  return started;
}

Result<Spawned> Reaper::spawn(const SpawnPlan& plan, std::shared_ptr<ExitListener> listener) {
  std::unique_lock lock(mutex_);
  if (!started_) return Error{EINVAL, "spawn", plan.file, {}, "the reaper was not started"};
  if (!stack_) {
    auto created = sys::ChildStack::create();
    if (!created) return std::move(created.error());
    stack_.emplace(std::move(created).value());
  }
  Spawned child;
  auto failure = process::spawn(plan, *stack_, child);
  if (failure) {
    // It is gone, or about to be. Nobody else reaps while we hold the lock.
    if (failure->child.pid != -1) sys::wait_pidfd(failure->child.pidfd.get());
    return std::move(failure->error);
  }
  listeners_.emplace(child.pid, std::move(listener));
  ++generation_;
  // Without the lock, or the reaper would be woken only to sleep on it.
  lock.unlock();
  spawned_.notify_one();
  return child;
}

ReaperStats Reaper::stats() const { return {children_reaped_.load(), orphans_reaped_.load()}; }

void Reaper::run() noexcept {
  for (;;) {
    uint64_t seen;
    {
      std::lock_guard lock(mutex_);
      seen = generation_;
    }
    if (sys::wait_for_any()) {
      reap_batch();
    } else {
      wait_for_children(seen);
    }
  }
}

void Reaper::wait_for_children(uint64_t seen) noexcept {
  std::unique_lock lock(mutex_);
  spawned_.wait_for(lock, kLookAgainForStrangers, [&] { return generation_ != seen; });
}

void Reaper::reap_batch() noexcept {
  struct Delivery {
    std::shared_ptr<ExitListener> listener;
    sys::ExitStatus status;
  };
  std::array<Delivery, kBatch> deliveries;
  size_t count = 0;
  {
    std::lock_guard lock(mutex_);
    sys::ExitStatus status;
    for (size_t reaped = 0; reaped < kBatch && sys::reap_any(status); ++reaped) {
      auto found = listeners_.find(status.pid);
      if (found == listeners_.end()) {
        orphans_reaped_.fetch_add(1, std::memory_order_relaxed);
        continue;
      }
      deliveries[count++] = {std::move(found->second), status};
      listeners_.erase(found);
    }
  }
  // Counted first: whoever learns of the exit finds it counted.
  children_reaped_.fetch_add(count, std::memory_order_relaxed);
  for (size_t i = 0; i < count; ++i) deliveries[i].listener->on_exit(deliveries[i].status);
}

}  // namespace talos::process
