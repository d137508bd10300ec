// ProcessModule of the contract. lib/native/process.ts turns names into the numbers that arrive here.
#include <napi.h>

#include <optional>

#include "bind/addon_data.h"
#include "bind/error.h"
#include "bind/fd.h"
#include "bind/modules.h"
#include "bind/process_parts.h"
#include "bind/strings.h"
#include "bind/takes.h"
#include "process/reaper.h"
#include "sys/clone_calls.h"
#include "sys/descriptor_calls.h"

namespace talos::bind {

namespace {

// Carries one exit status from the reaper's thread to a promise.
class ExitTask : public process::ExitListener, public JsTask, public std::enable_shared_from_this<ExitTask> {
 public:
  explicit ExitTask(Napi::Env env) : loop_(AddonData::of(env).loop) {}

  // The child was started. Its end may be on the way already; run() comes after this, on the same thread.
  Napi::Value start(Napi::Env env) {
    deferred_ = Napi::Promise::Deferred::New(env);
    loop_->hold(env);
    return deferred_->Promise();
  }

  void on_exit(const sys::ExitStatus& status) noexcept override {
    status_ = status;
    loop_->post(shared_from_this());
  }

  void run(Napi::Env env) override {
    loop_->unhold(env);
    Napi::Array result = Napi::Array::New(env, 3);
    result.Set(uint32_t{0}, Napi::Boolean::New(env, status_.signaled));
    result.Set(uint32_t{1}, Napi::Number::New(env, status_.value));
    result.Set(uint32_t{2}, Napi::Boolean::New(env, status_.core_dumped));
    deferred_->Resolve(result);
  }

 private:
  std::shared_ptr<JsLoop> loop_;
  std::optional<Napi::Promise::Deferred> deferred_;
  sys::ExitStatus status_;
};

template <typename T>
std::optional<T> optional_number(const Napi::Value& value) {
  if (!value.IsNumber()) return std::nullopt;
  return static_cast<T>(value.As<Napi::Number>().Int64Value());
}

// Soft and hard limit; -1 is RLIM_INFINITY, which is all ones too.
std::vector<process::ResourceLimit> rlimits_of(const Napi::Value& value) {
  const auto numbers = to_elements(value);
  std::vector<process::ResourceLimit> result;
  for (size_t i = 0; i + 2 < numbers.size(); i += 3) {
    auto number = [&](size_t at) { return to_integer(numbers[i + at]); };
    result.push_back({static_cast<int>(number(0)), static_cast<uint64_t>(number(1)), static_cast<uint64_t>(number(2))});
  }
  return result;
}

// Inside, outside, count; inside, outside, count; …
std::vector<process::IdRange> id_map_of(const Napi::Value& value) {
  const auto numbers = to_elements(value);
  std::vector<process::IdRange> result;
  for (size_t i = 0; i + 2 < numbers.size(); i += 3) {
    auto number = [&](size_t at) { return static_cast<uint32_t>(to_integer(numbers[i + at])); };
    result.push_back({number(0), number(1), number(2)});
  }
  return result;
}

// False with an exception pending.
bool read_descriptors(Napi::Env env, const Napi::Object& options, process::SpawnPlan& plan, UniqueFd& null_device) {
  auto stdio = to_elements(options.Get("stdio"));
  stdio.resize(3, env.Undefined());
  for (uint32_t i = 0; i < 3; ++i) {
    const Napi::Value& value = stdio[i];
    if (value.IsUndefined()) continue;
    if (!value.IsNull()) {
      plan.stdio[i] = borrow_fd(env, value);
      if (plan.stdio[i] == -1) return false;
      continue;
    }
    if (!null_device) {
      auto opened = sys::open_path("/dev/null", "rw");
      if (!opened) {
        throw_error(env, opened.error());
        return false;
      }
      null_device = std::move(opened).value();
    }
    plan.stdio[i] = null_device.get();
  }
  for (const Napi::Value& extra : to_elements(options.Get("descriptors"))) {
    plan.descriptors.push_back(borrow_fd(env, extra));
    if (plan.descriptors.back() == -1) return false;
  }
  if (!options.Get("cgroup").IsUndefined()) {
    plan.cgroup = borrow_fd(env, options.Get("cgroup"));
    if (plan.cgroup == -1) return false;
  }
  return true;
}

Napi::Value spawn(const Napi::CallbackInfo& info) {
  if (!takes(info, "o")) return {};
  Napi::Env env = info.Env();
  Napi::Object options = info[0].As<Napi::Object>();
  process::SpawnPlan plan;
  UniqueFd null_device;
  plan.file = to_string(options.Get("file"));
  plan.argv = to_strings(options.Get("argv"));
  plan.env = to_strings(options.Get("env"));
  plan.cwd = to_string(options.Get("cwd"));
  plan.uid = optional_number<uint32_t>(options.Get("uid"));
  plan.gid = optional_number<uint32_t>(options.Get("gid"));
  for (const Napi::Value& group : to_elements(options.Get("groups"))) {
    plan.groups.push_back(static_cast<uint32_t>(to_integer(group)));
  }
  if (Napi::Value mask = options.Get("capabilities"); mask.IsBigInt()) {
    bool lossless = false;
    plan.capabilities = mask.As<Napi::BigInt>().Uint64Value(&lossless);
  }
  plan.no_new_privileges = to_bool(options.Get("noNewPrivileges"));
  plan.session = to_bool(options.Get("session"));
  plan.namespaces = static_cast<uint64_t>(to_integer(options.Get("namespaces")));
  plan.uid_map = id_map_of(options.Get("uidMap"));
  plan.gid_map = id_map_of(options.Get("gidMap"));
  if (Napi::Value program = options.Get("seccomp"); !program.IsUndefined()) plan.seccomp = to_program(program);
  plan.rlimits = rlimits_of(options.Get("rlimits"));
  plan.oom_score_adj = optional_number<int>(options.Get("oomScoreAdj"));
  if (!read_descriptors(env, options, plan, null_device) || env.IsExceptionPending()) return env.Undefined();

  auto exit = std::make_shared<ExitTask>(env);
  auto spawned = process::Reaper::instance().spawn(plan, exit);
  if (!spawned) {
    throw_error(env, spawned.error());
    return env.Undefined();
  }
  Napi::Object child = Napi::Object::New(env);
  child.Set("pid", Napi::Number::New(env, spawned.value().pid));
  child.Set("pidfd", FileDescriptor::create(env, std::move(spawned.value().pidfd)));
  child.Set("exited", exit->start(env));
  return child;
}

Napi::Value send_signal(const Napi::CallbackInfo& info) {
  if (!takes(info, "Dn")) return {};
  Napi::Env env = info.Env();
  int pidfd = borrow_fd(env, info[0]);
  if (pidfd == -1) return env.Undefined();
  auto sent = sys::send_signal(pidfd, info[1].As<Napi::Number>().Int32Value());
  if (!sent) {
    throw_error(env, sent.error());
    return env.Undefined();
  }
  return Napi::Boolean::New(env, sent.value());
}

void start_reaper(const Napi::CallbackInfo& info) {
  if (!takes(info, "b")) return;
  auto started = process::Reaper::instance().start(to_bool(info[0]));
  if (!started) throw_error(info.Env(), started.error());
}

Napi::Value reaper_stats(const Napi::CallbackInfo& info) {
  auto stats = process::Reaper::instance().stats();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("childrenReaped", Napi::Number::New(info.Env(), static_cast<double>(stats.children_reaped)));
  result.Set("orphansReaped", Napi::Number::New(info.Env(), static_cast<double>(stats.orphans_reaped)));
  return result;
}

}  // namespace

void init_process(Napi::Env env, Napi::Object exports) {
  Napi::Object module = Napi::Object::New(env);
  module.Set("spawn", Napi::Function::New<spawn>(env, "spawn"));
  module.Set("sendSignal", Napi::Function::New<send_signal>(env, "sendSignal"));
  module.Set("startReaper", Napi::Function::New<start_reaper>(env, "startReaper"));
  module.Set("reaperStats", Napi::Function::New<reaper_stats>(env, "reaperStats"));
  define_seccomp(env, module);
  define_process_table(env, module);
  exports.Set("process", module);
}

}  // namespace talos::bind
