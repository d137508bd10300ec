#include "test/fault.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <mutex>

#include "test/fault_dispatch.h"
#include "test/tap.h"

namespace talos::test {

namespace {

// Everything that a test has armed. Wrapped calls come from any thread, and from the child of a vfork, which shares our memory
// and this thread's variables.
struct Armed {
  std::string name;
  int countdown;  // the call that brings it to 0 is the one; -1: every call
  Answer answer;
};

std::mutex mutex;
std::list<Armed> armed;
// So that calls cost nothing, and take no lock, while nothing is armed.
std::atomic<bool> is_armed{false};

// What fail_each() does, on the thread that it runs on.
struct Plan {
  std::vector<std::string> names;
  std::vector<bool> can_fail;  // one a name
  size_t failing_index = SIZE_MAX;
  int errno_value = 0;
  std::string failed_name;
};
thread_local Plan* plan = nullptr;
thread_local int paused = 0;

void arm(std::string_view name, int countdown, Answer answer) {
  std::scoped_lock lock(mutex);
  armed.push_back({std::string(name), countdown, std::move(answer)});
  is_armed = true;
}

// The answer that this call is due, and the countdown of all that wait for its name.
Answer take_answer(std::string_view name) {
  std::scoped_lock lock(mutex);
  Answer due;
  for (auto each = armed.begin(); each != armed.end();) {
    if (each->name != name || (each->countdown > 0 && --each->countdown > 0)) {
      ++each;
    } else if (each->countdown == -1) {
      if (!due) due = each->answer;
      ++each;
    } else {
      due = std::move(each->answer);
      each = armed.erase(each);
    }
  }
  is_armed = !armed.empty();
  return due;
}

// Of these the descriptor or the memory is gone whatever they return.
bool is_release(std::string_view name) { return name == "close" || name == "closedir" || name == "munmap"; }

long fail_after_release(Call& call, int errno_value) {
  if (is_release(call.name)) (void)call.pass();
  return call.fail(errno_value);
}

bool is_failed_by_plan(const Call& call) {
  plan->names.emplace_back(call.name);
  plan->can_fail.push_back(call.how() != Call::Failure::kNever);
  if (plan->names.size() - 1 != plan->failing_index) return false;
  plan->failed_name = call.name;
  return true;
}

}  // namespace

long dispatch(Call& call) {
  if (paused > 0) return call.pass();
  if (plan != nullptr) {
    // The plan's own bookkeeping must not change the errno that the caller looks at.
    int saved = errno;
    bool fails = is_failed_by_plan(call);
    errno = saved;
    if (fails) return fail_after_release(call, plan->errno_value);
  }
  if (is_armed) {
    int saved = errno;
    Answer answer = take_answer(call.name);
    errno = saved;
    if (answer) {
      paused++;
      long result = answer(call);
      paused--;
      return result;
    }
  }
  if (call.how() == Call::Failure::kForbidden) {
    std::printf("Bail out! %s(2) would have been called for real\n", call.name);
    std::fflush(stdout);
    std::_Exit(EXIT_FAILURE);
  }
  return call.pass();
}

long Call::fail(int errno_value) const {
  errno = errno_value;
  switch (how_) {
    case Failure::kNull:
    case Failure::kNever:
      return 0;
    case Failure::kErrno:
      return errno_value;
    case Failure::kNegative:
      return -errno_value;
    case Failure::kMinusOne:
    case Failure::kForbidden:
      break;
  }
  return -1;
}

void fail_call(std::string_view name, int nth, int errno_value) {
  arm(name, nth, [errno_value](Call& call) { return fail_after_release(call, errno_value); });
}

void fail_always(std::string_view name, int errno_value) {
  arm(name, -1, [errno_value](Call& call) { return fail_after_release(call, errno_value); });
}

void shorten_call(std::string_view name, int nth, size_t bytes) {
  arm(name, nth, [bytes](Call& call) {
    call.arguments[2] = static_cast<long>(std::min(static_cast<size_t>(call.arguments[2]), bytes));
    return call.pass();
  });
}

void answer_call(std::string_view name, int nth, Answer answer) { arm(name, nth, std::move(answer)); }
void answer_always(std::string_view name, Answer answer) { arm(name, -1, std::move(answer)); }

bool clear_faults() {
  std::scoped_lock lock(mutex);
  bool all_used = std::none_of(armed.begin(), armed.end(), [](const Armed& each) { return each.countdown > 0; });
  armed.clear();
  is_armed = false;
  return all_used;
}

Answer bytes_reply(std::string data) {
  return [data = std::move(data)](Call& call) {
    size_t count = std::min(data.size(), static_cast<size_t>(call.arguments[2]));
    std::memcpy(call.pointer<char>(1), data.data(), count);
    return static_cast<long>(count);
  };
}

Answer message_reply(std::string data, int message_flags, std::string source) {
  return [=](Call& call) {
    auto* header = call.pointer<msghdr>(1);
    size_t copied = 0;
    for (size_t i = 0; i < header->msg_iovlen; i++) {
      const iovec& part = header->msg_iov[i];
      size_t count = std::min(part.iov_len, data.size() - copied);
      std::memcpy(part.iov_base, data.data() + copied, count);
      copied += count;
    }
    if (header->msg_name != nullptr) {
      header->msg_namelen = static_cast<socklen_t>(std::min<size_t>(header->msg_namelen, source.size()));
      std::memcpy(header->msg_name, source.data(), header->msg_namelen);
    }
    header->msg_controllen = 0;
    header->msg_flags = message_flags;
    return static_cast<long>(copied);
  };
}

FaultsPaused::FaultsPaused() { paused++; }
FaultsPaused::~FaultsPaused() { paused--; }

std::vector<std::string> calls_of(const std::function<void()>& work) {
  Plan recording;
  plan = &recording;
  work();
  plan = nullptr;
  return recording.names;
}

size_t open_descriptors() {
  FaultsPaused pause;
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  size_t count = 0;
  while (const dirent* entry = ::readdir(folder)) count += entry->d_name[0] != '.';
  ::closedir(folder);
  return count - 1;  // without the folder's own
}

namespace {

// Errors name a call by what people look up: mkdirat(2) is on the page of mkdir(2).
bool names_call(std::string_view syscall, std::string_view call) {
  if (syscall == call) return true;
  if (call == "talos_clone3_and_call") return syscall == "clone3";
  if (call == "unlinkat") return syscall == "unlink" || syscall == "rmdir";
  if (call == "fstatat") return syscall == "stat";
  return call.ends_with("at") && syscall == call.substr(0, call.size() - 2);
}

bool is_tolerated(const std::vector<Tolerated>& tolerated, std::string_view call, int errno_value) {
  return std::any_of(tolerated.begin(), tolerated.end(), [&](const Tolerated& each) {
    return each.call == call && (each.errno_value == 0 || each.errno_value == errno_value);
  });
}

long count_of(const std::vector<std::string>& names, const std::string& name) {
  return std::count(names.begin(), names.end(), name);
}

std::string describe(const Error& error) {
  return std::string(error.syscall) + ": " + std::strerror(error.errno_value) +
         (error.detail.empty() ? "" : " (" + error.detail + ")");
}

// What is wrong with how one failure went; empty if nothing is.
std::string complaint(const Plan& disturbed, const Plan& calm, const std::optional<Error>& outcome,
                      const std::vector<Tolerated>& tolerated) {
  const std::string& call = disturbed.failed_name;
  if (call.empty()) return "the call was not reached";
  if (outcome) {
    bool is_right = outcome->errno_value == disturbed.errno_value && names_call(outcome->syscall, call);
    return is_right || is_tolerated(tolerated, call, disturbed.errno_value) ? "" : "the error is of " + describe(*outcome);
  }
  bool was_repeated = count_of(disturbed.names, call) > count_of(calm.names, call);
  if (is_release(call) || (disturbed.errno_value == EINTR && was_repeated)) return "";
  return is_tolerated(tolerated, call, disturbed.errno_value) ? "" : "it was taken for success";
}

}  // namespace

void fail_each_call(const std::function<std::optional<Error>()>& scenario, const std::vector<int>& errnos,
                    const std::vector<Tolerated>& tolerated, const std::source_location& where) {
  auto run = [&scenario](Plan& with) {
    plan = &with;
    auto outcome = scenario();
    plan = nullptr;
    return outcome;
  };
  // What is made once and kept (a buffer, a descriptor of the process) is not to be taken for a leak.
  Plan first;
  run(first);
  size_t before = open_descriptors();
  Plan calm;
  auto undisturbed = run(calm);
  report(!undisturbed, "undisturbed" + (undisturbed ? ": " + describe(*undisturbed) : ""), where);
  report(!calm.names.empty(), "it makes calls", where);

  for (size_t index = 0; index < calm.names.size(); index++) {
    if (!calm.can_fail[index]) continue;
    bool passed = true;
    for (int errno_value : errnos) {
      Plan disturbed;
      disturbed.failing_index = index;
      disturbed.errno_value = errno_value;
      auto outcome = run(disturbed);
      size_t after = open_descriptors();
      std::string text = complaint(disturbed, calm, outcome, tolerated);
      if (after != before) text += " descriptors: " + std::to_string(before) + " before, " + std::to_string(after) + " after";
      if (text.empty()) continue;
      passed = false;
      before = after;
      std::printf("# call %zu, %s with %s: %s\n", index, calm.names[index].c_str(), std::strerror(errno_value), text.c_str());
    }
    report(passed, "call " + std::to_string(index) + ", " + calm.names[index], where);
  }
}

}  // namespace talos::test
