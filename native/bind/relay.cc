// RelayModule of the contract, in the raw shape of lib/native/relay.ts.
#include "relay/relay.h"

#include <napi.h>

#include <atomic>
#include <memory>
#include <optional>

#include "bind/addon_data.h"
#include "bind/error.h"
#include "bind/fd.h"
#include "bind/modules.h"
#include "bind/takes.h"
#include "sys/descriptor_calls.h"

namespace talos::bind {

namespace {

// Brings what the reactor's thread says to the JavaScript thread, and keeps the event loop alive until the relay is over.
class RelayTask : public relay::Listener, public JsTask, public std::enable_shared_from_this<RelayTask> {
 public:
  RelayTask(std::shared_ptr<JsLoop> loop, Napi::Function on_half_closed, Napi::Function on_over)
      : loop_(std::move(loop)), on_half_closed_(Napi::Persistent(on_half_closed)), on_over_(Napi::Persistent(on_over)) {}

  void begin(Napi::Env env, Napi::Object owner) {
    owner_ = Napi::Persistent(owner);
    loop_->hold(env);
  }

  void on_half_closed() noexcept override {
    is_half_closed_ = true;
    loop_->post(shared_from_this());
  }

  void on_over() noexcept override {
    is_over_ = true;
    loop_->post(shared_from_this());
  }

  void run(Napi::Env env) override {
    if (has_ended_) return;
    if (is_half_closed_.exchange(false)) on_half_closed_.Call({});
    if (!is_over_ || has_ended_ || env.IsExceptionPending()) return;
    Napi::Function on_over = on_over_.Value();
    end(env);
    on_over.Call({});
  }

  // JavaScript thread. Idempotent.
  void end(Napi::Env env) {
    if (has_ended_) return;
    has_ended_ = true;
    loop_->unhold(env);
    abandon();
  }

  // The part of end() that needs no environment.
  void abandon() {
    owner_.Reset();
    on_half_closed_.Reset();
    on_over_.Reset();
  }

 private:
  std::shared_ptr<JsLoop> loop_;
  // Keeps the wrapping object from being collected while the connections are there.
  Napi::ObjectReference owner_;
  Napi::FunctionReference on_half_closed_;
  Napi::FunctionReference on_over_;
  std::atomic<bool> is_half_closed_ = false;
  std::atomic<bool> is_over_ = false;
  bool has_ended_ = false;
};

class RelayHandle : public Napi::ObjectWrap<RelayHandle> {
 public:
  static void define(Napi::Env env) {
    Napi::Function constructor =
        DefineClass(env, "Relay", {InstanceMethod<&RelayHandle::bytes>("bytes"), InstanceMethod<&RelayHandle::abort>("abort")});
    AddonData::of(env).constructor(ClassId::kRelay) = Napi::Persistent(constructor);
  }

  explicit RelayHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<RelayHandle>(info) {}

  // The environment ends, or the relay is over: otherwise the task keeps us.
  ~RelayHandle() override {
    if (relay_) relay_->abort();
    if (task_) task_->abandon();
  }

  void attach(std::shared_ptr<relay::Relay> relay, std::shared_ptr<RelayTask> task) {
    relay_ = std::move(relay);
    task_ = std::move(task);
  }

 private:
  Napi::Value bytes(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), relay_ ? static_cast<double>(relay_->bytes()) : 0);
  }

  void abort(const Napi::CallbackInfo& info) {
    if (relay_) relay_->abort();
    if (task_) task_->end(info.Env());
  }

  std::shared_ptr<relay::Relay> relay_;
  std::shared_ptr<RelayTask> task_;
};

// (one, other, onHalfClosed, onOver)
Napi::Value start(const Napi::CallbackInfo& info) {
  if (!takes(info, "DDff")) return {};
  Napi::Env env = info.Env();
  UniqueFd one = take_fd(env, info[0]);
  if (!one) return env.Undefined();
  UniqueFd other = take_fd(env, info[1]);
  if (!other) return env.Undefined();
  for (int fd : {one.get(), other.get()}) {
    auto set = sys::set_nonblocking(fd);
    if (set) continue;
    throw_error(env, set.error());
    return env.Undefined();
  }
  AddonData& data = AddonData::of(env);
  Napi::Object object;
  auto* handle = make_object<RelayHandle>(env, ClassId::kRelay, object);
  if (handle == nullptr) return env.Undefined();
  auto task = std::make_shared<RelayTask>(data.loop, info[2].As<Napi::Function>(), info[3].As<Napi::Function>());
  task->begin(env, object);
  auto relay = relay::Relay::start(std::move(one), std::move(other), task);
  if (!relay) {
    task->end(env);
    throw_error(env, relay.error());
    return env.Undefined();
  }
  handle->attach(std::move(relay).value(), std::move(task));
  return object;
}

}  // namespace

void init_relay(Napi::Env env, Napi::Object exports) {
  RelayHandle::define(env);
  Napi::Object module = Napi::Object::New(env);
  module.Set("start", Napi::Function::New<start>(env, "start"));
  exports.Set("relay", module);
}

}  // namespace talos::bind
