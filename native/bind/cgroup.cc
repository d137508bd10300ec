// CgroupModule of the contract, in the raw shape of lib/native/cgroup.ts.
#include "cgroup/cgroup.h"

#include <napi.h>

#include <cmath>

#include "bind/error.h"
#include "bind/fd.h"
#include "bind/modules.h"
#include "bind/strings.h"

namespace talos::bind {

namespace {

std::optional<int64_t> limit_at(const Napi::Array& limits, uint32_t position) {
  Napi::Value limit = limits.Get(position);
  if (!limit.IsNumber()) return std::nullopt;
  double value = limit.As<Napi::Number>().DoubleValue();
  return std::isnan(value) ? std::nullopt : std::optional(static_cast<int64_t>(value));
}

Napi::Value create(const Napi::CallbackInfo& info) {
  auto group = cgroup::create(to_string(info[0]), to_string(info[1]));
  if (group) return FileDescriptor::create(info.Env(), std::move(group).value());
  throw_error(info.Env(), group.error());
  return info.Env().Undefined();
}

void set_limits(const Napi::CallbackInfo& info) {
  int group_fd = borrow_fd(info.Env(), info[0]);
  if (group_fd == -1) return;
  auto values = info[1].As<Napi::Array>();
  cgroup::Limits limits{limit_at(values, 0), limit_at(values, 1), limit_at(values, 2),
                        limit_at(values, 3), limit_at(values, 4), limit_at(values, 5)};
  if (auto set = cgroup::set_limits(group_fd, limits); !set) throw_error(info.Env(), set.error());
}

Napi::Value enable_controllers(const Napi::CallbackInfo& info) {
  int group_fd = borrow_fd(info.Env(), info[0]);
  if (group_fd == -1) return info.Env().Undefined();
  auto missing = cgroup::enable_controllers(group_fd, to_strings(info[1]));
  if (missing) return to_array(info.Env(), missing.value());
  throw_error(info.Env(), missing.error());
  return info.Env().Undefined();
}

void kill(const Napi::CallbackInfo& info) {
  int group_fd = borrow_fd(info.Env(), info[0]);
  if (group_fd == -1) return;
  if (auto killed = cgroup::kill(group_fd); !killed) throw_error(info.Env(), killed.error());
}

void remove(const Napi::CallbackInfo& info) {
  auto removed = cgroup::remove(to_string(info[0]), to_string(info[1]));
  if (!removed) throw_error(info.Env(), removed.error());
}

Napi::Value stats(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto groups = info[0].As<Napi::Array>();
  std::vector<int> fds;
  fds.reserve(groups.Length());
  for (uint32_t i = 0; i < groups.Length(); i++) {
    fds.push_back(borrow_fd(env, groups.Get(i)));
    if (fds.back() == -1) return env.Undefined();
  }
  auto all = cgroup::read_stats(fds);
  auto values = Napi::Float64Array::New(env, all.size() * 3);
  double* out = values.Data();
  for (const cgroup::Stats& one : all) {
    *out++ = static_cast<double>(one.cpu_usage_usec);
    *out++ = static_cast<double>(one.memory_current_bytes);
    *out++ = static_cast<double>(one.pids_current);
  }
  return values;
}

}  // namespace

void init_cgroup(Napi::Env env, Napi::Object exports) {
  Napi::Object module = Napi::Object::New(env);
  module.Set("create", Napi::Function::New<create>(env, "create"));
  module.Set("setLimits", Napi::Function::New<set_limits>(env, "setLimits"));
  module.Set("enableControllers", Napi::Function::New<enable_controllers>(env, "enableControllers"));
  module.Set("kill", Napi::Function::New<kill>(env, "kill"));
  module.Set("remove", Napi::Function::New<remove>(env, "remove"));
  module.Set("stats", Napi::Function::New<stats>(env, "stats"));
  exports.Set("cgroup", module);
}

}  // namespace talos::bind
