#include "bind/cgroup_events.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>

#include "bind/error.h"
#include "bind/event_watch.h"
#include "bind/fd.h"
#include "bind/strings.h"
#include "bind/takes.h"
#include "cgroup/events.h"

namespace talos::bind {

namespace {

class CounterSource : public EventSource {
 public:
  explicit CounterSource(cgroup::EventReader reader) : reader_(std::move(reader)) {}

  [[nodiscard]] int fd() const override { return reader_.fd(); }
  // An error on a control file is nothing but a change, and always comes with it.
  [[nodiscard]] uint32_t events() const override { return EPOLLPRI; }

  bool deliver(Napi::Env env, Napi::Function callback) override {
    std::array<double, cgroup::kMaxEventKeys> values;
    auto is_there = reader_.read(values.data());
    if (!is_there) {
      callback.Call({env.Undefined(), to_js_error(env, is_there.error()).Value()});
      return false;
    }
    if (!is_there.value()) {
      callback.Call({env.Undefined()});
      return false;
    }
    auto array = Napi::Float64Array::New(env, reader_.size());
    // A worker that is being ended makes no arrays any more.
    if (array.Data() == nullptr) return true;
    std::copy_n(values.data(), reader_.size(), array.Data());
    callback.Call({array});
    return true;
  }

 private:
  cgroup::EventReader reader_;
};

class PressureSource : public EventSource {
 public:
  explicit PressureSource(UniqueFd trigger) : trigger_(std::move(trigger)) {}

  [[nodiscard]] int fd() const override { return trigger_.get(); }
  [[nodiscard]] uint32_t events() const override { return EPOLLPRI; }

  bool deliver(Napi::Env, Napi::Function callback) override {
    callback.Call({});
    return true;
  }

 private:
  UniqueFd trigger_;
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
  return watch_events(env, std::make_unique<CounterSource>(std::move(reader).value()), info[2].As<Napi::Function>());
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
  return watch_events(env, std::make_unique<PressureSource>(std::move(trigger).value()), info[5].As<Napi::Function>());
}

}  // namespace talos::bind
