#include "process/reaper.h"

#include <pthread.h>

#include <csignal>
#include <thread>

namespace talos::process {

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
  started_ = true;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([this] { run(); }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return {};
}

Result<Spawned> Reaper::spawn(const SpawnPlan& plan, std::shared_ptr<ExitListener> listener) {
  std::lock_guard lock(mutex_);
  if (!started_) return Error{EINVAL, "spawn", plan.file, {}, "the reaper was not started"};
  Spawned child;
  auto failure = process::spawn(plan, child);
  ++generation_;
  spawned_.notify_one();
  if (failure) {
    if (failure->child.pid != -1) collect_failed(failure->child);
    return std::move(failure->error);
  }
  listeners_.emplace(child.pid, std::move(listener));
  return child;
}

void Reaper::collect_failed(const Spawned& child) {
  // Either we get its status here, or the thread already has it and stands at the lock we hold.
  if (!sys::wait_pidfd(child.pidfd.get())) failed_.insert(child.pid);
}

ReaperStats Reaper::stats() const { return {children_reaped_.load(), orphans_reaped_.load()}; }

void Reaper::run() noexcept {
  pthread_setname_np(pthread_self(), "talos-reaper");
  for (;;) {
    uint64_t seen;
    {
      std::lock_guard lock(mutex_);
      seen = generation_;
    }
    sys::ExitStatus status;
    while (sys::wait_any(status)) deliver(status);
    // No children at all. Orphans can only come from a child of ours, so there is nothing to wait for until the next spawn.
    std::unique_lock lock(mutex_);
    spawned_.wait(lock, [&] { return generation_ != seen; });
  }
}

void Reaper::deliver(const sys::ExitStatus& status) noexcept {
  std::shared_ptr<ExitListener> listener;
  {
    std::lock_guard lock(mutex_);
    if (auto found = listeners_.find(status.pid); found != listeners_.end()) {
      listener = std::move(found->second);
      listeners_.erase(found);
    } else if (failed_.erase(status.pid) > 0) {
      return;
    }
  }
  if (listener) {
    children_reaped_.fetch_add(1, std::memory_order_relaxed);
    listener->on_exit(status);
  } else {
    orphans_reaped_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace talos::process
