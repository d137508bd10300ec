#include "bind/watchdog.h"

#include <memory>

#include "bind/addon_data.h"
#include "bind/error.h"
#include "bind/strings.h"
#include "bind/takes.h"
#include "power/watchdog.h"

namespace talos::bind {

namespace {

// The check-in is this call itself: it runs when the event loop turns, and not before.
class CheckIn : public JsTask {
 public:
  explicit CheckIn(std::shared_ptr<JsLoop> loop) : loop_(std::move(loop)) {}

  // Reactor thread.
  void ask(std::shared_ptr<JsTask> self) { loop_->post(std::move(self)); }

  void run(Napi::Env) override {
    if (auto watchdog = watchdog_.lock()) watchdog->check_in();
  }

  // JavaScript thread, as run(): no check-in comes before it.
  void watch(const std::shared_ptr<power::Watchdog>& watchdog) { watchdog_ = watchdog; }

 private:
  std::shared_ptr<JsLoop> loop_;
  std::weak_ptr<power::Watchdog> watchdog_;
};

class Watchdog : public Napi::ObjectWrap<Watchdog> {
 public:
  explicit Watchdog(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Watchdog>(info) {}

  // Nothing is disarmed when the object or the environment goes: whoever forgets the device has the machine reset by it.
  void attach(std::shared_ptr<power::Watchdog> watchdog) {
    watchdog_ = std::move(watchdog);
    Ref();
  }

  Napi::Value facts(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    const power::WatchdogFacts& facts = watchdog_->facts();
    auto object = Napi::Object::New(env);
    object.Set("identity", facts.support.identity);
    object.Set("firmwareVersion", facts.support.firmware_version);
    object.Set("timeoutSeconds", facts.timeout_seconds);
    object.Set("pretimeoutSeconds", facts.pretimeout_seconds);
    if (facts.is_nowayout) object.Set("isNowayout", *facts.is_nowayout);
    return object;
  }

  Napi::Value pets(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(watchdog_->pets()));
  }

  Napi::Value withheld(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(watchdog_->withheld()));
  }

  void disarm(const Napi::CallbackInfo& info) {
    if (auto disarmed = watchdog_->disarm(); !disarmed) {
      throw_error(info.Env(), disarmed.error());
    } else if (is_armed_) {
      is_armed_ = false;
      Unref();
    }
  }

 private:
  std::shared_ptr<power::Watchdog> watchdog_;
  bool is_armed_ = true;
};

}  // namespace

void define_watchdog(Napi::Env env) {
  Napi::Function constructor = Watchdog::DefineClass(
      env, "Watchdog",
      {Watchdog::InstanceAccessor<&Watchdog::facts>("facts"), Watchdog::InstanceAccessor<&Watchdog::pets>("pets"),
       Watchdog::InstanceAccessor<&Watchdog::withheld>("withheld"), Watchdog::InstanceMethod<&Watchdog::disarm>("disarm")});
  AddonData::of(env).constructor(ClassId::kWatchdog) = Napi::Persistent(constructor);
}

Napi::Value open_watchdog(const Napi::CallbackInfo& info) {
  if (!takes(info, "snnnn")) return info.Env().Undefined();
  Napi::Env env = info.Env();
  AddonData& data = AddonData::of(env);
  // Before the device is started: what fails from here on must not leave it behind.
  Napi::Object object;
  auto* made = make_object<Watchdog>(env, ClassId::kWatchdog, object);
  if (made == nullptr) return env.Undefined();
  auto number = [&info](size_t position) { return info[position].As<Napi::Number>().Uint32Value(); };
  power::WatchdogOptions options{.path = to_string(info[0]),
                                 .timeout_seconds = number(1),
                                 .pretimeout_seconds = number(2),
                                 .alive_within_ms = number(3),
                                 .interval_ms = number(4)};
  auto check_in = std::make_shared<CheckIn>(data.loop);
  auto watchdog = power::Watchdog::open(options, [check_in] { check_in->ask(check_in); });
  if (!watchdog) {
    throw_error(env, watchdog.error());
    return env.Undefined();
  }
  check_in->watch(watchdog.value());
  made->attach(std::move(watchdog).value());
  return object;
}

}  // namespace talos::bind
