// The reaper as the owner of every child, and what only the parent can do for one. Steps of the child: process_fault_test.cc.
#include <linux/sched.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <string>

#include "process/reaper.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using talos::process::ExitListener;
using talos::process::Reaper;
using talos::process::SpawnPlan;
using talos::test::check;
using talos::test::check_equal;

// Waits for one status, and knows if a second one came.
class Waiter : public ExitListener {
 public:
  void on_exit(const talos::sys::ExitStatus& status) noexcept override {
    std::lock_guard lock(mutex_);
    status_ = status;
    ++count_;
    changed_.notify_one();
  }

  talos::sys::ExitStatus wait() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return count_ > 0; });
    check_equal(count_, 1, "one status");
    return status_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  talos::sys::ExitStatus status_;
  int count_ = 0;
};

SpawnPlan shell(const std::string& script) {
  SpawnPlan plan;
  plan.file = "/bin/sh";
  plan.argv = {"sh", "-c", script};
  return plan;
}

std::optional<talos::Error> run(const SpawnPlan& plan) {
  auto waiter = std::make_shared<Waiter>();
  auto spawned = Reaper::instance().spawn(plan, waiter);
  if (!spawned) return spawned.error();
  waiter->wait();
  return std::nullopt;
}

void is_not_started_yet() {
  auto early = Reaper::instance().spawn(shell("exit 0"), std::make_shared<Waiter>());
  check(!early && early.error().errno_value == EINVAL);
  talos::test::fail_call("prctl", 1, EPERM);
  auto refused = Reaper::instance().start(true);
  check(!refused && refused.error().errno_value == EPERM && std::string_view(refused.error().syscall) == "prctl");
  check(Reaper::instance().start(false).ok());
  auto again = Reaper::instance().start(false);
  check(!again && again.error().errno_value == EALREADY);
}

void fails_for_want_of_a_stack() {
  for (const char* call : {"mmap", "mprotect"}) {
    talos::test::fail_call(call, 1, ENOMEM);
    auto error = run(shell("exit 0"));
    check(error && error->errno_value == ENOMEM && std::string_view(error->syscall) == call, call);
    check(talos::test::clear_faults());
  }
}

void delivers_codes_and_signals() {
  for (int code : {0, 1, 77, 255}) {
    auto waiter = std::make_shared<Waiter>();
    check(Reaper::instance().spawn(shell("exit " + std::to_string(code)), waiter).ok());
    auto status = waiter->wait();
    check(!status.signaled && status.value == code, std::to_string(code));
  }
  auto waiter = std::make_shared<Waiter>();
  auto spawned = Reaper::instance().spawn(shell("kill -9 $$"), waiter);
  check(spawned.ok());
  auto status = waiter->wait();
  check(status.signaled && status.value == SIGKILL && status.pid == spawned.value().pid);
  auto sent = talos::sys::send_signal(spawned.value().pidfd.get(), SIGTERM);
  check(sent && !sent.value(), "it is gone");
}

void does_not_remember_failed_children() {
  SpawnPlan missing = shell("exit 0");
  missing.file = "/nonexistent";
  const auto before = Reaper::instance().stats();
  for (int i = 0; i < 50; ++i) check(run(missing).has_value());
  const auto after = Reaper::instance().stats();
  check_equal(after.children_reaped, before.children_reaped);
  check_equal(after.orphans_reaped, before.orphans_reaped, "nor are they orphans");
}

void gives_ids_to_a_user_namespace() {
  if (::geteuid() != 0) return;
  SpawnPlan plan = shell("test $(id -u) = 0 && test $(id -g) = 3");
  plan.namespaces = CLONE_NEWUSER;
  plan.uid_map = {{0, 70'000, 10}};
  plan.gid_map = {{0, 80'000, 10}};
  plan.uid = 0;
  plan.gid = 3;
  auto waiter = std::make_shared<Waiter>();
  check(Reaper::instance().spawn(plan, waiter).ok());
  check_equal(waiter->wait().value, 0);
  for (const char* call : {"open", "write"}) {
    for (int nth : {1, 2}) {
      talos::test::fail_call(call, nth, EPERM);
      auto error = run(plan);
      check(talos::test::clear_faults());
      check(error && error->errno_value == EPERM && std::string_view(error->syscall) == call && error->detail == "user-namespace",
            call);
      check(error->path.ends_with(nth == 1 ? "/gid_map" : "/uid_map"), error->path);
    }
  }
}

}  // namespace

int main() {
  is_not_started_yet();
  fails_for_want_of_a_stack();
  delivers_codes_and_signals();
  does_not_remember_failed_children();
  gives_ids_to_a_user_namespace();
  return talos::test::finish();
}
