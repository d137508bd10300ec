// Threads for calls that may never return: a mount of a dead device, statfs(2) of a file system whose server is gone.
//
// Node's pool has four threads, and four such calls would stop everything else that it does. Here a call has a deadline, after
// which its caller goes on without it; its thread stays with it until the kernel lets go. Their number is bounded: when all are
// stuck, what comes next waits for a thread until its own deadline.
//
// State of a job:  waiting ─(thread takes it)→ running ─(work returned)→ done
//                     └─────────────(deadline)──→ expired ←──┘
// done() or expired() is called once, never both, by a thread of this class.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "base/result.h"

namespace talos {

class DeadlineJob;
using Deadlines = std::multimap<std::chrono::steady_clock::time_point, std::shared_ptr<DeadlineJob>>;

class DeadlineJob {
 public:
  virtual ~DeadlineJob() = default;
  // On a thread of its own. After the deadline it may still run, and what it made is destroyed with the job.
  virtual void work() noexcept = 0;
  virtual void done() noexcept = 0;
  virtual void expired() noexcept = 0;

 private:
  friend class DeadlineThreads;
  enum class State { kWaiting, kRunning, kDone, kExpired };
  // Guarded by the mutex of the threads.
  State state_ = State::kWaiting;
  std::optional<Deadlines::iterator> deadline_;
};

class DeadlineThreads {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr size_t kMaxThreads = 16;

  struct Counts {
    size_t threads = 0;  // alive
    size_t stuck = 0;    // at work on a job whose caller has gone on
    size_t waiting = 0;  // jobs without a thread
  };

  // One a process; never destroyed, since stuck threads outlive everything.
  static DeadlineThreads& instance();

  // Any thread; does not block. Without a timeout the job waits for as long as it takes. EAGAIN: no thread could be made.
  Result<void> submit(std::shared_ptr<DeadlineJob> job, std::optional<std::chrono::milliseconds> timeout);

  [[nodiscard]] Counts counts();

 private:
  Result<void> ensure_worker();
  Result<void> ensure_timer();
  void run_worker() noexcept;
  void run_timer() noexcept;

  std::mutex mutex_;  // guards everything below; not held while a job works or is told
  std::condition_variable work_arrived_;
  std::condition_variable deadline_changed_;
  std::deque<std::shared_ptr<DeadlineJob>> waiting_;
  Deadlines deadlines_;
  size_t threads_ = 0;
  size_t idle_ = 0;
  size_t stuck_ = 0;
  bool has_timer_ = false;
};

}  // namespace talos
