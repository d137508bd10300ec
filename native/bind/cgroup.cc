// CgroupModule of the contract, in the raw shape of lib/native/cgroup.ts.
#include "cgroup/cgroup.h"

#include <napi.h>

#include <cmath>

#include "bind/cgroup_events.h"
#include "bind/cgroup_stats.h"
#include "bind/error.h"
#include "bind/fd.h"
#include "bind/modules.h"
#include "bind/strings.h"
#include "bind/takes.h"
#include "cgroup/limits.h"
#include "cgroup/stats.h"

namespace talos::bind {

namespace {

// Numbers by position; NaN leaves a limit as it is.
std::optional<int64_t> limit_at(const Napi::Float64Array& values, size_t position) {
  double value = values[position];
  return std::isnan(value) ? std::nullopt : std::optional(static_cast<int64_t>(value));
}

std::optional<std::string> text_at(const Napi::Value& value) {
  return value.IsString() ? std::optional(to_string(value)) : std::nullopt;
}

constexpr size_t kLimitNumbers = 11;
constexpr size_t kIoLimitNumbers = 6;

Napi::Value create(const Napi::CallbackInfo& info) {
  if (!takes(info, "ss")) return info.Env().Undefined();
  auto group = cgroup::create(to_string(info[0]), to_string(info[1]));
  if (group) return FileDescriptor::create(info.Env(), std::move(group).value());
  throw_error(info.Env(), group.error());
  return info.Env().Undefined();
}

// (group, numbers, cpusetCpus?, cpusetMems?, io): `io` has six numbers a device.
void set_limits(const Napi::CallbackInfo& info) {
  if (!takes(info, "Dd?s?sd")) return;
  int group_fd = borrow_fd(info.Env(), info[0]);
  if (group_fd == -1) return;
  auto numbers = info[1].As<Napi::Float64Array>();
  auto io = info[4].As<Napi::Float64Array>();
  if (numbers.ElementLength() != kLimitNumbers || io.ElementLength() % kIoLimitNumbers != 0) {
    throw_invalid_argument(info.Env(), "wrong number of limits");
    return;
  }
  cgroup::Limits limits{
      .memory_min = limit_at(numbers, 0),
      .memory_low = limit_at(numbers, 1),
      .memory_high = limit_at(numbers, 2),
      .memory_max = limit_at(numbers, 3),
      .memory_swap_max = limit_at(numbers, 4),
      .memory_oom_group = limit_at(numbers, 5),
      .cpu_weight = limit_at(numbers, 6),
      .cpu_max_usec = limit_at(numbers, 7),
      .cpu_period_usec = limit_at(numbers, 8),
      .pids_max = limit_at(numbers, 9),
      .io_weight = limit_at(numbers, 10),
      .cpuset_cpus = text_at(info[2]),
      .cpuset_mems = text_at(info[3]),
  };
  for (size_t at = 0; at < io.ElementLength(); at += kIoLimitNumbers) {
    limits.io_max.push_back({
        .major = static_cast<uint32_t>(io[at]),
        .minor = static_cast<uint32_t>(io[at + 1]),
        .read_bytes_per_second = static_cast<int64_t>(io[at + 2]),
        .write_bytes_per_second = static_cast<int64_t>(io[at + 3]),
        .read_operations_per_second = static_cast<int64_t>(io[at + 4]),
        .write_operations_per_second = static_cast<int64_t>(io[at + 5]),
    });
  }
  if (auto set = cgroup::set_limits(group_fd, limits); !set) throw_error(info.Env(), set.error());
}

void add_process(const Napi::CallbackInfo& info) {
  if (!takes(info, "Dn")) return;
  int group_fd = borrow_fd(info.Env(), info[0]);
  if (group_fd == -1) return;
  auto added = cgroup::add_process(group_fd, info[1].As<Napi::Number>().Int32Value());
  if (!added) throw_error(info.Env(), added.error());
}

void set_frozen(const Napi::CallbackInfo& info) {
  if (!takes(info, "Db")) return;
  int group_fd = borrow_fd(info.Env(), info[0]);
  if (group_fd == -1) return;
  auto set = cgroup::set_frozen(group_fd, info[1].As<Napi::Boolean>().Value());
  if (!set) throw_error(info.Env(), set.error());
}

Napi::Value enable_controllers(const Napi::CallbackInfo& info) {
  if (!takes(info, "Da")) return info.Env().Undefined();
  int group_fd = borrow_fd(info.Env(), info[0]);
  if (group_fd == -1) return info.Env().Undefined();
  auto missing = cgroup::enable_controllers(group_fd, to_strings(info[1]));
  if (missing) return to_array(info.Env(), missing.value());
  throw_error(info.Env(), missing.error());
  return info.Env().Undefined();
}

void kill(const Napi::CallbackInfo& info) {
  if (!takes(info, "D")) return;
  int group_fd = borrow_fd(info.Env(), info[0]);
  if (group_fd == -1) return;
  if (auto killed = cgroup::kill(group_fd); !killed) throw_error(info.Env(), killed.error());
}

void remove(const Napi::CallbackInfo& info) {
  if (!takes(info, "ss")) return;
  auto removed = cgroup::remove(to_string(info[0]), to_string(info[1]));
  if (!removed) throw_error(info.Env(), removed.error());
}

// [file, doubles] of each set of statistics, by bit: what lib/native/cgroup-stats.ts goes by, for a test to compare.
Napi::Value stat_sets(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto sets = Napi::Array::New(env, cgroup::kSetCount);
  for (uint32_t bit = 0; bit < cgroup::kSetCount; bit++) {
    auto set = Napi::Array::New(env, 2);
    set.Set(uint32_t{0}, cgroup::kStatSets[bit].file);
    set.Set(uint32_t{1}, static_cast<double>(cgroup::kStatSets[bit].values));
    sets.Set(bit, set);
  }
  return sets;
}

}  // namespace

void init_cgroup(Napi::Env env, Napi::Object exports) {
  Napi::Object module = Napi::Object::New(env);
  module.Set("create", Napi::Function::New<create>(env, "create"));
  module.Set("setLimits", Napi::Function::New<set_limits>(env, "setLimits"));
  module.Set("enableControllers", Napi::Function::New<enable_controllers>(env, "enableControllers"));
  module.Set("kill", Napi::Function::New<kill>(env, "kill"));
  module.Set("remove", Napi::Function::New<remove>(env, "remove"));
  module.Set("addProcess", Napi::Function::New<add_process>(env, "addProcess"));
  module.Set("setFrozen", Napi::Function::New<set_frozen>(env, "setFrozen"));
  define_cgroup_sampler(env);
  module.Set("statSets", Napi::Function::New<stat_sets>(env, "statSets"));
  module.Set("stats", Napi::Function::New<cgroup_stats>(env, "stats"));
  module.Set("openSampler", Napi::Function::New<open_cgroup_sampler>(env, "openSampler"));
  module.Set("watchEvents", Napi::Function::New<watch_cgroup_events>(env, "watchEvents"));
  module.Set("watchPressure", Napi::Function::New<watch_cgroup_pressure>(env, "watchPressure"));
  exports.Set("cgroup", module);
}

}  // namespace talos::bind
