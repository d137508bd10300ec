// ClockModule of the contract: the clock that goes on in suspend, timers by it, and the wall clock as it is put right.
#include <napi.h>

#include "bind/addon_data.h"
#include "bind/error.h"
#include "bind/modules.h"
#include "bind/takes.h"
#include "bind/watch.h"
#include "sys/clock_calls.h"
#include "sys/timer_calls.h"

namespace talos::bind {

namespace {

class BootTimer : public Napi::ObjectWrap<BootTimer> {
 public:
  static void define(Napi::Env env) {
    Napi::Function constructor =
        DefineClass(env, "BootTimer",
                    {InstanceMethod<&BootTimer::arm>("arm"), InstanceMethod<&BootTimer::take>("take"),
                     InstanceMethod<&BootTimer::wait>("wait"), InstanceMethod<&BootTimer::close>("close")});
    AddonData::of(env).constructor(ClassId::kBootTimer) = Napi::Persistent(constructor);
  }

  static Napi::Value create(Napi::Env env, UniqueFd fd) {
    Napi::Object object;
    if (auto* made = make_object<BootTimer>(env, ClassId::kBootTimer, object)) made->fd_ = std::move(fd);
    return object;
  }

  explicit BootTimer(const Napi::CallbackInfo& info) : Napi::ObjectWrap<BootTimer>(info) {}

 private:
  static Error closed() { return Error{ECANCELED, "timer", {}, {}, "the timer is closed"}; }

  // (moment); negative: never
  void arm(const Napi::CallbackInfo& info) {
    if (!takes(info, "n")) return;
    auto armed = fd_ ? sys::arm_boot_timer(fd_.get(), info[0].As<Napi::Number>().Int64Value()) : closed();
    if (!armed) throw_error(info.Env(), armed.error());
  }

  Napi::Value take(const Napi::CallbackInfo& info) {
    Result<bool> expired = fd_ ? sys::take_expiry(fd_.get()) : closed();
    if (expired) return Napi::Boolean::New(info.Env(), expired.value());
    throw_error(info.Env(), expired.error());
    return info.Env().Undefined();
  }

  Napi::Value wait(const Napi::CallbackInfo& info) {
    if (fd_) return watch_.wait(Value(), fd_.get());
    auto deferred = Napi::Promise::Deferred::New(info.Env());
    deferred.Reject(to_js_error(info.Env(), closed()).Value());
    return deferred.Promise();
  }

  void close(const Napi::CallbackInfo& info) {
    watch_.close(info.Env());
    fd_.reset();
  }

  // The watch goes first: it must not wait for a descriptor that is closed.
  UniqueFd fd_;
  Watch watch_;
};

Napi::Value boot_time_ms(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(sys::boot_time_ms()));
}

Napi::Value create_timer(const Napi::CallbackInfo& info) {
  auto fd = sys::create_boot_timer();
  if (fd) return BootTimer::create(info.Env(), std::move(fd).value());
  throw_error(info.Env(), fd.error());
  return info.Env().Undefined();
}

// (nanoseconds)
void step_real_time(const Napi::CallbackInfo& info) {
  if (!takes(info, "n")) return;
  auto stepped = sys::step_clock(info[0].As<Napi::Number>().Int64Value());
  if (!stepped) throw_error(info.Env(), stepped.error());
}

// (offset in nanoseconds, time constant, greatest error in microseconds, estimated error in microseconds)
void slew_real_time(const Napi::CallbackInfo& info) {
  if (!takes(info, "nnnn")) return;
  auto number = [&](size_t place) { return info[place].As<Napi::Number>().Int64Value(); };
  auto slewed = sys::slew_clock(number(0), number(1), number(2), number(3));
  if (!slewed) throw_error(info.Env(), slewed.error());
}

// [1 if unsynchronised, offset in nanoseconds, frequency, greatest error in microseconds]
Napi::Value real_time_state(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto state = sys::clock_state();
  if (!state) {
    throw_error(env, state.error());
    return env.Undefined();
  }
  Napi::Array found = Napi::Array::New(env, 4);
  const sys::ClockState& clock = state.value();
  const double numbers[] = {clock.is_unsynchronised ? 1.0 : 0.0, static_cast<double>(clock.offset_ns),
                            static_cast<double>(clock.frequency), static_cast<double>(clock.max_error_us)};
  for (uint32_t place = 0; place < 4; place++) found.Set(place, Napi::Number::New(env, numbers[place]));
  return found;
}

}  // namespace

void init_clock(Napi::Env env, Napi::Object exports) {
  BootTimer::define(env);
  Napi::Object module = Napi::Object::New(env);
  module.Set("bootTimeMs", Napi::Function::New<boot_time_ms>(env, "bootTimeMs"));
  module.Set("createTimer", Napi::Function::New<create_timer>(env, "createTimer"));
  module.Set("stepRealTime", Napi::Function::New<step_real_time>(env, "stepRealTime"));
  module.Set("slewRealTime", Napi::Function::New<slew_real_time>(env, "slewRealTime"));
  module.Set("realTimeState", Napi::Function::New<real_time_state>(env, "realTimeState"));
  exports.Set("clock", module);
}

}  // namespace talos::bind
