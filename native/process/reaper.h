// The one owner of waitid(P_ALL) in this process.
//
// A thread sleeps in waitid(2); statuses of registered children go to their listener exactly once, everything else is an
// orphan: reaped and counted, without an allocation. No SIGCHLD is used, so JavaScript may be busy for as long as it likes.
//
// The thread only looks while it sleeps (WNOWAIT). It reaps with the lock in its hand, the lock that spawn() holds from clone to
// registration. So a child that exits at once is known before it is looked up, and a pid cannot come back as another child's
// between the reaping and the look-up.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "process/spawn.h"
#include "sys/wait_calls.h"

namespace talos::process {

class ExitListener {
 public:
  virtual ~ExitListener() = default;
  // Reaper thread; must not block.
  virtual void on_exit(const sys::ExitStatus& status) noexcept = 0;
};

struct ReaperStats {
  uint64_t children_reaped;
  uint64_t orphans_reaped;
};

class Reaper {
 public:
  // Never destroyed: its thread lives as long as the process.
  static Reaper& instance();

  // EALREADY when it runs already. With `subreaper`, orphans of our descendants come to us although we are not PID 1.
  Result<void> start(bool subreaper);

  // Sleeps until the child has exec'ed. EINVAL before start().
  Result<Spawned> spawn(const SpawnPlan& plan, std::shared_ptr<ExitListener> listener);

  [[nodiscard]] ReaperStats stats() const;

 private:
  Reaper() = default;
  void run() noexcept;
  // Reaps what has ended, up to a bound.
  void reap_batch() noexcept;
  void wait_for_children(uint64_t seen) noexcept;

  std::mutex mutex_;  // guards everything below but the counters; whoever reaps holds it
  std::condition_variable spawned_;
  bool started_ = false;
  std::optional<sys::ChildStack> stack_;  // of the child that is being started; kept, since mapping it costs more than using it
  uint64_t generation_ = 0;               // of spawns, so that none is missed while there are no children
  std::unordered_map<pid_t, std::shared_ptr<ExitListener>> listeners_;
  std::atomic<uint64_t> children_reaped_{0};
  std::atomic<uint64_t> orphans_reaped_{0};
};

}  // namespace talos::process
