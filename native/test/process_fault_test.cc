// Spawning and reaping when system calls fail: in us, and in the child between clone and exec.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <future>
#include <map>
#include <set>

#include "process/reaper.h"
#include "process/spawn.h"
#include "sys/clone_calls.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using namespace talos;
using namespace talos::test;

process::SpawnPlan plan_with_everything() {
  process::SpawnPlan plan;
  plan.file = "/bin/true";
  plan.argv = {"true"};
  plan.cwd = "/";
  plan.session = true;
  plan.oom_score_adj = 1000;
  plan.rlimits = {{RLIMIT_CORE, 0, 0}};
  plan.uid = 65534;
  plan.gid = 65534;
  plan.groups = {65534};
  plan.capabilities = 1;
  plan.no_new_privileges = true;
  plan.seccomp = {{0x06, 0, 0, 0x7fff'0000}};  // BPF_RET | BPF_K, SECCOMP_RET_ALLOW
  return plan;
}

// So that it works for any user.
void grant_privileges() {
  for (const char* call : {"setgroups", "setresgid", "setresuid", "capset", "prctl"}) {
    answer_always(call, [](Call&) { return 0L; });
  }
}

// What the child calls at each of its stages. At "signals" nothing that fails matters.
const std::map<std::string, std::set<std::string>> kCallsOfStage = {
    {"session", {"setsid"}},
    {"oom-score-adj", {"openat", "write"}},
    {"descriptors", {"fcntl", "dup3", "close_range"}},
    {"rlimits", {"prlimit64"}},
    {"cwd", {"chdir"}},
    {"bounding-set", {"prctl"}},
    {"groups", {"setgroups"}},
    {"gid", {"setresgid"}},
    {"uid", {"setresuid"}},
    {"capabilities", {"capset", "prctl"}},
    {"no-new-privileges", {"prctl"}},
    {"signal-mask", {"rt_sigprocmask"}},
    {"seccomp", {"seccomp"}},
    {"exec", {"execve"}},
};

Result<void> spawn_and_wait(const process::SpawnPlan& plan, std::string* stage = nullptr) {
  auto stack = sys::ChildStack::create();
  if (!stack) return std::move(stack.error());
  process::Spawned child;
  auto failure = process::spawn(plan, stack.value(), child);
  FaultsPaused pause;
  if (failure) {
    if (failure->child.pid != -1) sys::wait_pidfd(failure->child.pidfd.get());
    if (stage != nullptr) *stage = failure->error.detail;
    return std::move(failure->error);
  }
  sys::wait_pidfd(child.pidfd.get());
  return {};
}

void names_the_stage_that_failed() {
  // Failures of these are not the child's, or are ignored on purpose.
  const std::set<std::string> kNotOfStages = {"mmap", "mprotect", "munmap", "talos_clone3_and_call", "rt_sigaction", "close"};
  auto plan = plan_with_everything();
  UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  plan.stdio = {null.get(), null.get(), null.get()};
  plan.descriptors = {null.get()};
  grant_privileges();
  const auto calls = calls_of([&] { check(spawn_and_wait(plan).ok()); });
  std::map<std::string, int> made;
  std::set<std::string> stages;
  for (const std::string& call : calls) {
    const int nth = ++made[call];
    if (kNotOfStages.contains(call)) continue;
    // The first and the third are ours, around clone3; with valid arguments they cannot fail.
    if (call == "rt_sigprocmask" && nth != 2) continue;
    const size_t before = open_descriptors();
    fail_call(call, nth, EIO);
    std::string stage;
    auto outcome = spawn_and_wait(plan, &stage);
    const bool is_named = kCallsOfStage.contains(stage) && kCallsOfStage.at(stage).contains(call);
    check(!outcome && outcome.error().errno_value == EIO && is_named, call + " fails at " + stage);
    check_equal(open_descriptors(), before);
    stages.insert(stage);
  }
  check(clear_faults());
  check_equal(stages.size(), kCallsOfStage.size(), "every stage has failed");
}

void fails_before_there_is_a_child() {
  process::SpawnPlan plan;
  plan.file = "/bin/true";
  plan.argv = {"true"};
  for (const char* call : {"mmap", "mprotect", "talos_clone3_and_call"}) {
    for (int error : {ENOMEM, EAGAIN, EMFILE}) {
      size_t before = open_descriptors();
      fail_call(call, 1, error);
      auto outcome = spawn_and_wait(plan);
      check(!outcome && outcome.error().errno_value == error && outcome.error().detail.empty(), call);
      check_equal(open_descriptors(), before);
    }
  }
  check(clear_faults());
}

void reaps_after_a_signal() {
  struct Listener : process::ExitListener {
    void on_exit(const sys::ExitStatus& status) noexcept override { exited.set_value(status.value); }
    std::promise<int> exited;
  };
  auto& reaper = process::Reaper::instance();
  fail_call("pthread_create", 1, EAGAIN);
  auto refused = reaper.start(false);
  check(!refused && refused.error().errno_value == EAGAIN && std::string_view(refused.error().syscall) == "pthread_create");
  check(reaper.start(false).ok(), "it can be tried again");
  check(!reaper.start(false), "but not once it runs");
  process::SpawnPlan plan;
  plan.file = "/bin/sh";
  plan.argv = {"sh", "-c", "exit 7"};
  for (int round = 0; round < 3; round++) {
    fail_call("waitid", 1, EINTR);
    fail_call("waitid", 2, EINTR);
    auto listener = std::make_shared<Listener>();
    auto exited = listener->exited.get_future();
    check(reaper.spawn(plan, listener).ok());
    check_equal(exited.get(), 7);
  }
  plan.file = "/missing";
  auto missing = reaper.spawn(plan, std::make_shared<Listener>());
  check(!missing && missing.error().errno_value == ENOENT && missing.error().detail == "exec");
  clear_faults();
}

}  // namespace

int main() {
  fails_before_there_is_a_child();
  names_the_stage_that_failed();
  // From here on the reaper has all children.
  reaps_after_a_signal();
  return finish();
}
