#include "bind/cgroup_events.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>

#include "bind/error.h"
#include "bind/fd.h"
#include "bind/monitor.h"
#include "bind/strings.h"
#include "bind/takes.h"
#include "cgroup/events.h"

namespace talos::bind {

namespace {

class CounterTask : public FileTask<cgroup::EventReader> {
 public:
  using FileTask::FileTask;

 protected:
  // An error on a control file is nothing but a change, and always comes with it.
  [[nodiscard]] uint32_t events() const override { return EPOLLPRI; }

  Next turn(Napi::Env env) override {
    std::array<double, cgroup::kMaxEventKeys> values;
    auto is_there = file_->read(values.data());
    if (!is_there) {
      function_.Call({env.Undefined(), to_js_error(env, is_there.error()).Value()});
      return Next::kEnd;
    }
    if (!is_there.value()) {
      function_.Call({env.Undefined()});
      return Next::kEnd;
    }
    auto array = Napi::Float64Array::New(env, file_->size());
    // A worker that is being ended makes no arrays any more.
    if (array.Data() == nullptr) return Next::kWait;
    std::copy_n(values.data(), file_->size(), array.Data());
    function_.Call({array});
    return Next::kWait;
  }
};

struct PressureTrigger {
  UniqueFd trigger;
  [[nodiscard]] int fd() const { return trigger.get(); }
};

class PressureTask : public FileTask<PressureTrigger> {
 public:
  using FileTask::FileTask;

  // Reactor thread. The trigger of a group that is gone is an error, at once and for ever; nothing else makes it one.
  void on_ready(uint32_t events) noexcept override {
    if ((events & EPOLLERR) != 0) is_gone_ = true;
    FileTask::on_ready(events);
  }

 protected:
  [[nodiscard]] uint32_t events() const override { return EPOLLPRI; }

  Next turn(Napi::Env env) override {
    const bool is_gone = is_gone_;
    function_.Call({Napi::Boolean::New(env, is_gone)});
    return is_gone ? Next::kEnd : Next::kWait;
  }

 private:
  std::atomic<bool> is_gone_ = false;
};

}  // namespace

Napi::Value watch_cgroup_events(const Napi::CallbackInfo& info) {
  if (!takes(info, "Dsf")) return info.Env().Undefined();
  Napi::Env env = info.Env();
  int group_fd = borrow_fd(env, info[0]);
  if (group_fd == -1) return env.Undefined();
  const cgroup::EventFile* file = cgroup::find_event_file(to_string(info[1]));
  if (file == nullptr) {
    throw_invalid_argument(env, "no file of events");
    return env.Undefined();
  }
  auto reader = cgroup::EventReader::open(group_fd, *file);
  if (!reader) {
    throw_error(env, reader.error());
    return env.Undefined();
  }
  auto task = std::make_shared<CounterTask>(env, std::move(reader).value(), info[2].As<Napi::Function>());
  return start_monitor(env, std::move(task), false);
}

Napi::Value watch_cgroup_pressure(const Napi::CallbackInfo& info) {
  if (!takes(info, "Dsbnnf")) return info.Env().Undefined();
  Napi::Env env = info.Env();
  int group_fd = borrow_fd(env, info[0]);
  if (group_fd == -1) return env.Undefined();
  auto trigger = cgroup::open_pressure_trigger(group_fd, {.resource = to_string(info[1]),
                                                          .is_full = info[2].As<Napi::Boolean>().Value(),
                                                          .stall_usec = info[3].As<Napi::Number>().Uint32Value(),
                                                          .window_usec = info[4].As<Napi::Number>().Uint32Value()});
  if (!trigger) {
    throw_error(env, trigger.error());
    return env.Undefined();
  }
  auto task = std::make_shared<PressureTask>(env, PressureTrigger{std::move(trigger).value()}, info[5].As<Napi::Function>());
  return start_monitor(env, std::move(task), false);
}

}  // namespace talos::bind
