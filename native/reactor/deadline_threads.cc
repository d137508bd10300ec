#include "reactor/deadline_threads.h"

#include <algorithm>

#include "sys/thread_calls.h"

namespace talos {
namespace {
// Calls come in bursts: a thread that has nothing to do waits a moment for the next.
constexpr std::chrono::seconds kLinger{2};
}  // namespace

DeadlineThreads& DeadlineThreads::instance() {
  static auto* threads = new DeadlineThreads();
  return *threads;
}

Result<void> DeadlineThreads::ensure_worker() {
  if (idle_ >= waiting_.size() + 1 || threads_ == kMaxThreads) return {};
  auto started = sys::start_thread("talos-deadline", [this] { run_worker(); });
  if (started) {
    threads_++;
    return {};
  }
  // With a thread at work there is one that will come to it.
  return threads_ > stuck_ ? Result<void>() : started;
}

Result<void> DeadlineThreads::ensure_timer() {
  if (has_timer_) return {};
  auto started = sys::start_thread("talos-timer", [this] { run_timer(); });
  has_timer_ = started.ok();
  return started;
}

Result<void> DeadlineThreads::submit(std::shared_ptr<DeadlineJob> job, std::optional<std::chrono::milliseconds> timeout) {
  std::lock_guard lock(mutex_);
  if (auto worker = ensure_worker(); !worker) return worker;
  if (timeout) {
    if (auto timer = ensure_timer(); !timer) return timer;
    job->deadline_ = deadlines_.emplace(Clock::now() + *timeout, job);
    deadline_changed_.notify_one();
  }
  waiting_.push_back(std::move(job));
  work_arrived_.notify_one();
  return {};
}

DeadlineThreads::Counts DeadlineThreads::counts() {
  std::lock_guard lock(mutex_);
  return {.threads = threads_, .stuck = stuck_, .waiting = waiting_.size()};
}

void DeadlineThreads::run_worker() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    idle_++;
    bool has_work = work_arrived_.wait_for(lock, kLinger, [this] { return !waiting_.empty(); });
    idle_--;
    if (!has_work) break;
    std::shared_ptr<DeadlineJob> job = std::move(waiting_.front());
    waiting_.pop_front();
    job->state_ = DeadlineJob::State::kRunning;
    lock.unlock();
    job->work();
    lock.lock();
    bool is_in_time = job->state_ == DeadlineJob::State::kRunning;
    if (is_in_time) {
      job->state_ = DeadlineJob::State::kDone;
      // Else what the job holds lives until its deadline.
      if (job->deadline_) deadlines_.erase(*job->deadline_);
    } else {
      stuck_--;
    }
    lock.unlock();
    if (is_in_time) job->done();
    job.reset();
    lock.lock();
  }
  threads_--;
}

void DeadlineThreads::run_timer() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (deadlines_.empty()) {
      deadline_changed_.wait(lock);
      continue;
    }
    auto first = deadlines_.begin();
    // A copy: while this thread waits, the job may end and its entry go.
    const Clock::time_point deadline = first->first;
    if (Clock::now() < deadline) {
      deadline_changed_.wait_until(lock, deadline);
      continue;
    }
    std::shared_ptr<DeadlineJob> job = std::move(first->second);
    deadlines_.erase(first);
    if (job->state_ == DeadlineJob::State::kRunning) {
      stuck_++;
    } else {
      waiting_.erase(std::find(waiting_.begin(), waiting_.end(), job));
    }
    job->state_ = DeadlineJob::State::kExpired;
    lock.unlock();
    job->expired();
    job.reset();
    lock.lock();
  }
}

}  // namespace talos
