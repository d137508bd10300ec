// PowerModule of the contract.
#include "power/power.h"

#include <napi.h>

#include <memory>

#include "bind/async.h"
#include "bind/error.h"
#include "bind/modules.h"
#include "bind/monitor.h"
#include "bind/strings.h"
#include "bind/takes.h"
#include "bind/watchdog.h"
#include "power/key_events.h"

namespace talos::bind {

namespace {

Napi::Value sync(const Napi::CallbackInfo& info) {
  return run_async_void(info.Env(), [] {
    power::sync_all();
    return Result<void>();
  });
}

void reboot(const Napi::CallbackInfo& info) {
  if (!takes(info, "s?s")) return;
  std::string argument = info[1].IsString() ? to_string(info[1]) : std::string();
  throw_if_failed(info.Env(), power::reboot(to_string(info[0]), argument));
}

void set_ctrl_alt_del(const Napi::CallbackInfo& info) {
  if (!takes(info, "b")) return;
  throw_if_failed(info.Env(), power::set_ctrl_alt_del(info[0].As<Napi::Boolean>().Value()));
}

void set_hostname(const Napi::CallbackInfo& info) {
  if (!takes(info, "s")) return;
  throw_if_failed(info.Env(), power::set_host_name(to_string(info[0])));
}

void kill_all(const Napi::CallbackInfo& info) {
  if (!takes(info, "s")) return;
  throw_if_failed(info.Env(), power::kill_all(to_string(info[0])));
}

class KeyTask : public FileTask<power::KeyReader> {
 public:
  using FileTask::FileTask;

 protected:
  Next turn(Napi::Env env) override {
    auto batch = file_->read();
    if (!batch) {
      function_.Call({env.Undefined(), to_js_error(env, batch.error()).Value()});
      return Next::kEnd;
    }
    const auto& [keys, is_incomplete] = batch.value();
    if (keys.empty() && !is_incomplete) return Next::kWait;
    auto numbers = Napi::Int32Array::New(env, keys.size() * 2);
    int32_t* out = numbers.Data();
    // A worker that is being ended makes no arrays any more.
    if (out == nullptr && !keys.empty()) return Next::kWait;
    for (const power::KeyEvent& key : keys) {
      *out++ = key.code;
      *out++ = key.value;
    }
    function_.Call({numbers, Napi::Boolean::New(env, is_incomplete)});
    return Next::kWait;
  }
};

// (path, callback): `callback(numbers, isIncomplete)` with code and value of each key; `callback(undefined, error)` is the last
// call.
Napi::Value watch_keys(const Napi::CallbackInfo& info) {
  if (!takes(info, "sf")) return info.Env().Undefined();
  Napi::Env env = info.Env();
  auto reader = power::KeyReader::open(to_string(info[0]));
  if (!reader) {
    throw_error(env, reader.error());
    return env.Undefined();
  }
  auto task = std::make_shared<KeyTask>(env, std::move(reader).value(), info[1].As<Napi::Function>());
  return start_monitor(env, std::move(task), false);
}

}  // namespace

void init_power(Napi::Env env, Napi::Object exports) {
  Napi::Object module = Napi::Object::New(env);
  module.Set("sync", Napi::Function::New<sync>(env, "sync"));
  module.Set("reboot", Napi::Function::New<reboot>(env, "reboot"));
  module.Set("setCtrlAltDel", Napi::Function::New<set_ctrl_alt_del>(env, "setCtrlAltDel"));
  module.Set("setHostname", Napi::Function::New<set_hostname>(env, "setHostname"));
  module.Set("killAll", Napi::Function::New<kill_all>(env, "killAll"));
  define_watchdog(env);
  module.Set("openWatchdog", Napi::Function::New<open_watchdog>(env, "openWatchdog"));
  module.Set("watchKeys", Napi::Function::New<watch_keys>(env, "watchKeys"));
  exports.Set("power", module);
}

}  // namespace talos::bind
