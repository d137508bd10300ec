// ClockModule of the contract: the clock that goes on in suspend, and timers by it.
#include <napi.h>

#include "bind/addon_data.h"
#include "bind/error.h"
#include "bind/modules.h"
#include "bind/takes.h"
#include "bind/watch.h"
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
    Napi::Object object = AddonData::of(env).constructor(ClassId::kBootTimer).New({});
    if (!object.IsEmpty()) Unwrap(object)->fd_ = std::move(fd);
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

}  // namespace

void init_clock(Napi::Env env, Napi::Object exports) {
  BootTimer::define(env);
  Napi::Object module = Napi::Object::New(env);
  module.Set("bootTimeMs", Napi::Function::New<boot_time_ms>(env, "bootTimeMs"));
  module.Set("createTimer", Napi::Function::New<create_timer>(env, "createTimer"));
  exports.Set("clock", module);
}

}  // namespace talos::bind
