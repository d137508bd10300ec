// PowerModule of the contract.
#include "power/power.h"

#include <napi.h>

#include "bind/async.h"
#include "bind/error.h"
#include "bind/modules.h"
#include "bind/strings.h"
#include "bind/takes.h"

namespace talos::bind {

namespace {

void throw_if_failed(Napi::Env env, const Result<void>& result) {
  if (!result) throw_error(env, result.error());
}

Napi::Value sync(const Napi::CallbackInfo& info) {
  return run_async_void(info.Env(), [] {
    power::sync_all();
    return Result<void>();
  });
}

void reboot(const Napi::CallbackInfo& info) {
  if (!takes(info, "s")) return;
  throw_if_failed(info.Env(), power::reboot(to_string(info[0])));
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

}  // namespace

void init_power(Napi::Env env, Napi::Object exports) {
  Napi::Object module = Napi::Object::New(env);
  module.Set("sync", Napi::Function::New<sync>(env, "sync"));
  module.Set("reboot", Napi::Function::New<reboot>(env, "reboot"));
  module.Set("setCtrlAltDel", Napi::Function::New<set_ctrl_alt_del>(env, "setCtrlAltDel"));
  module.Set("setHostname", Napi::Function::New<set_hostname>(env, "setHostname"));
  module.Set("killAll", Napi::Function::New<kill_all>(env, "killAll"));
  exports.Set("power", module);
}

}  // namespace talos::bind
