#include "bind/uevent_monitor.h"

#include <memory>
#include <optional>

#include "bind/addon_data.h"
#include "bind/error.h"
#include "netlink/uevent.h"
#include "reactor/reactor.h"

namespace talos::bind {

namespace {

// Events wait in the kernel's buffer of the socket, not here: the reactor only rings, once, and is armed again when the
// JavaScript thread has taken a batch. A JavaScript thread that is too slow makes the kernel say ENOBUFS.
class UeventTask : public ReadyHandler, public JsTask, public std::enable_shared_from_this<UeventTask> {
 public:
  UeventTask(std::shared_ptr<JsLoop> loop, netlink::UeventSocket socket, Napi::Function on_uevent, Napi::Function on_overrun)
      : loop_(std::move(loop)),
        socket_(std::move(socket)),
        on_uevent_(Napi::Persistent(on_uevent)),
        on_overrun_(Napi::Persistent(on_overrun)) {}

  // JavaScript thread.
  Result<void> start(Napi::Env env) {
    auto token = Reactor::instance().add(socket_.fd(), kEvents, shared_from_this());
    if (!token) return token.error();
    token_ = token.value();
    loop_->hold(env);
    return {};
  }

  // Reactor thread.
  void on_ready(uint32_t) noexcept override { loop_->post(shared_from_this()); }

  // JavaScript thread. The callbacks may call stop().
  void run(Napi::Env env) override {
    for (int count = 0; count < kBatch && token_; count++) {
      auto outcome = socket_.receive();
      // Whatever else may go wrong (ENOMEM), events may be lost by it.
      if (!outcome || std::holds_alternative<netlink::UeventOverrun>(outcome.value())) {
        on_overrun_.Call({});
        if (!outcome) break;
      } else if (auto* event = std::get_if<netlink::Uevent>(&outcome.value())) {
        deliver(env, *event);
      } else {
        break;
      }
      if (env.IsExceptionPending()) break;
    }
    if (token_) (void)Reactor::instance().rearm(*token_, kEvents);
  }

  // JavaScript thread. Idempotent.
  void stop(Napi::Env env) {
    if (!abandon()) return;
    loop_->unhold(env);
  }

  // The part of stop() that needs no environment.
  bool abandon() {
    if (!token_) return false;
    Reactor::instance().remove(*token_);
    token_.reset();
    on_uevent_.Reset();
    on_overrun_.Reset();
    return true;
  }

 private:
  static constexpr uint32_t kEvents = EPOLLIN | EPOLLONESHOT;
  // Of one turn of the event loop: a storm of events must not keep everything else waiting.
  static constexpr int kBatch = 64;

  void deliver(Napi::Env env, const netlink::Uevent& event) {
    Napi::HandleScope scope(env);
    auto properties = Napi::Array::New(env, event.properties.size() * 2);
    uint32_t position = 0;
    for (const auto& [key, value] : event.properties) {
      properties.Set(position++, key);
      properties.Set(position++, value);
    }
    on_uevent_.Call({Napi::String::New(env, event.action), Napi::String::New(env, event.devpath),
                     Napi::String::New(env, event.subsystem), properties});
  }

  std::shared_ptr<JsLoop> loop_;
  netlink::UeventSocket socket_;
  Napi::FunctionReference on_uevent_;
  Napi::FunctionReference on_overrun_;
  // Set from start() to the end.
  std::optional<Reactor::Token> token_;
};

// Lives until close() even if nobody refers to it, as with Node's own sockets; or until the environment ends.
class UeventMonitor : public Napi::ObjectWrap<UeventMonitor> {
 public:
  explicit UeventMonitor(const Napi::CallbackInfo& info) : Napi::ObjectWrap<UeventMonitor>(info) {}

  ~UeventMonitor() override {
    if (task_) task_->abandon();
  }

  void attach(std::shared_ptr<UeventTask> task) {
    task_ = std::move(task);
    Ref();
  }

  void close(const Napi::CallbackInfo& info) {
    if (!task_) return;
    task_->stop(info.Env());
    task_.reset();
    Unref();
  }

 private:
  std::shared_ptr<UeventTask> task_;
};

}  // namespace

void define_uevent_monitor(Napi::Env env) {
  Napi::Function constructor =
      UeventMonitor::DefineClass(env, "UeventMonitor", {UeventMonitor::InstanceMethod<&UeventMonitor::close>("close")});
  AddonData::of(env).constructor(ClassId::kUeventMonitor) = Napi::Persistent(constructor);
}

Napi::Value monitor_uevents(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto socket = netlink::UeventSocket::open();
  if (!socket) {
    throw_error(env, socket.error());
    return env.Undefined();
  }
  AddonData& data = AddonData::of(env);
  Napi::Object object = data.constructor(ClassId::kUeventMonitor).New({});
  if (object.IsEmpty()) return env.Undefined();
  auto task = std::make_shared<UeventTask>(data.loop, std::move(socket).value(), info[0].As<Napi::Function>(),
                                           info[1].As<Napi::Function>());
  if (auto started = task->start(env); !started) {
    throw_error(env, started.error());
    return env.Undefined();
  }
  UeventMonitor::Unwrap(object)->attach(std::move(task));
  return object;
}

}  // namespace talos::bind
