// Makes system calls fail, fall short or answer what a test wants, so that every path behind them can be reached without root.
//
// Test programs are linked with --wrap for each call of fault_table.h: what the cores (and the test itself) call arrives here
// first. Nothing is changed until a test arms something, by the name of the call; raw calls by syscall(2) go by the same names
// ("openat2", "mount_setattr"). An armed fault is used once, by whichever thread comes first; clear_faults() drops what is left.
//
//   fail_call("openat", 2, EMFILE);                      the second next openat fails
//   fail_always("openat2", ENOSYS);                      an old kernel
//   shorten_call("read", 1, 3);                          the next read gets three bytes at most
//   answer_call("recvmsg", 1, message_reply("…", MSG_TRUNC));
//   fail_each([] { return sys::open_route_socket(100); }, {EMFILE, ENOMEM, EINTR});
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace talos::test {

// One call on its way to the kernel.
class Call {
 public:
  // As the ABI passes them. What is an `int` in the signature has arbitrary upper halves: use number().
  using Arguments = std::array<long, 7>;
  using Real = long (*)(void* function, const Arguments& arguments);
  enum class Failure { kMinusOne, kNull, kErrno, kNegative, kNever, kForbidden };

  Call(const char* call_name, Failure how, const Arguments& values, Real real, void* function)
      : name(call_name), arguments(values), how_(how), real_(real), function_(function) {}

  const char* name;
  Arguments arguments;

  [[nodiscard]] int number(size_t index) const { return static_cast<int>(arguments[index]); }
  template <typename T>
  [[nodiscard]] T* pointer(size_t index) const {
    return reinterpret_cast<T*>(arguments[index]);
  }
  // To the kernel, with the arguments as they are now.
  [[nodiscard]] long pass() const { return real_(function_, arguments); }
  // What this call returns when it fails; errno is set.
  [[nodiscard]] long fail(int errno_value) const;
  [[nodiscard]] Failure how() const { return how_; }

 private:
  Failure how_;
  Real real_;
  void* function_;
};

// Decides what a call returns (pointers as long); with Call::fail() for errors.
using Answer = std::function<long(Call&)>;

// `nth` counts from 1, over the calls of that name from now on.
void fail_call(std::string_view name, int nth, int errno_value);
void fail_always(std::string_view name, int errno_value);
// The third argument (the size of read, write, send, recv, …) is at most `bytes`.
void shorten_call(std::string_view name, int nth, size_t bytes);
void answer_call(std::string_view name, int nth, Answer answer);
void answer_always(std::string_view name, Answer answer);
// Drops everything that is armed. False: something armed by fail_call(), shorten_call() or answer_call() was never reached.
bool clear_faults();

// Replies for answer_call(): of read and recv; of recvmsg, with its msg_flags, and a source address (its bytes, as of bind(2)).
Answer bytes_reply(std::string data);
Answer message_reply(std::string data, int message_flags = 0, std::string source = {});

// As long as it lives, calls of this thread pass by everything that is armed, and fail_each() does not count them.
class FaultsPaused {
 public:
  FaultsPaused();
  ~FaultsPaused();
  FaultsPaused(const FaultsPaused&) = delete;
  FaultsPaused& operator=(const FaultsPaused&) = delete;
};

// The names of the calls that this thread makes in `work`, in order.
std::vector<std::string> calls_of(const std::function<void()>& work);

[[nodiscard]] size_t open_descriptors();

// A failure that the scenario may answer with success, because its contract says so: of `call`, with this errno or with any (0).
struct Tolerated {
  std::string_view call;
  int errno_value = 0;
};

// The part of fail_each() without templates.
void fail_each_call(const std::function<std::optional<Error>()>& scenario, const std::vector<int>& errnos,
                    const std::vector<Tolerated>& tolerated, const std::source_location& where);

// Runs the scenario once to see which calls it makes (on this thread), then once for each of them and each errno, with that call
// failing. Each time it must
//   - end, and leave as many descriptors open as before;
//   - return an Error with that errno that names the call, or its plain form ("open" for openat, "rmdir" for unlinkat);
//   - or succeed, if the failure was EINTR and the call was made again, if it was that of close, closedir or munmap, which
//     nothing can be done about, or if it is among `tolerated`.
// The scenario returns a Result, or an optional<Error>, and makes the same calls in every undisturbed run.
template <typename Scenario>
void fail_each(Scenario scenario, const std::vector<int>& errnos, const std::vector<Tolerated>& tolerated = {},
               const std::source_location& where = std::source_location::current()) {
  auto run = [&scenario]() -> std::optional<Error> {
    auto outcome = scenario();
    if constexpr (std::is_same_v<decltype(outcome), std::optional<Error>>) {
      return outcome;
    } else {
      return outcome ? std::nullopt : std::optional(std::move(outcome.error()));
    }
  };
  fail_each_call(run, errnos, tolerated, where);
}

}  // namespace talos::test
