#include "bind/event_watch.h"

#include <sys/epoll.h>

#include <optional>

#include "bind/addon_data.h"
#include "bind/error.h"
#include "reactor/reactor.h"

namespace talos::bind {

namespace {

// What has happened waits in the kernel: the reactor rings, once, and is armed again when the JavaScript thread has read it. So a
// busy JavaScript thread sees several changes as one.
class WatchTask : public ReadyHandler, public JsTask, public std::enable_shared_from_this<WatchTask> {
 public:
  WatchTask(std::shared_ptr<JsLoop> loop, std::unique_ptr<EventSource> source, Napi::Function callback)
      : loop_(std::move(loop)), source_(std::move(source)), callback_(Napi::Persistent(callback)) {}

  Result<void> start(Napi::Env env) {
    auto token = Reactor::instance().add(source_->fd(), source_->events() | EPOLLONESHOT, shared_from_this());
    if (!token) return token.error();
    token_ = token.value();
    loop_->hold(env);
    return {};
  }

  // Reactor thread.
  void on_ready(uint32_t) noexcept override { loop_->post(shared_from_this()); }

  void run(Napi::Env env) override {
    if (!token_) return;
    is_delivering_ = true;
    bool goes_on = source_->deliver(env, callback_.Value());
    is_delivering_ = false;
    // The callback may have closed the watch.
    if (!token_) return source_.reset();
    if (!goes_on || !Reactor::instance().rearm(*token_, source_->events() | EPOLLONESHOT)) stop(env);
  }

  void stop(Napi::Env env) {
    if (!abandon()) return;
    loop_->unhold(env);
  }

  // The part of stop() that needs no environment.
  bool abandon() {
    if (!token_) return false;
    Reactor::instance().remove(*token_);
    token_.reset();
    callback_.Reset();
    // Here and now, and not when the last reference goes, which may be the reactor's.
    if (!is_delivering_) source_.reset();
    return true;
  }

 private:
  std::shared_ptr<JsLoop> loop_;
  std::unique_ptr<EventSource> source_;
  Napi::FunctionReference callback_;
  bool is_delivering_ = false;
  // Set from start() to the end.
  std::optional<Reactor::Token> token_;
};

class EventWatch : public Napi::ObjectWrap<EventWatch> {
 public:
  explicit EventWatch(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EventWatch>(info) {}

  ~EventWatch() override {
    if (task_) task_->abandon();
  }

  void attach(std::shared_ptr<WatchTask> task) {
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
  std::shared_ptr<WatchTask> task_;
};

}  // namespace

void define_event_watch(Napi::Env env) {
  Napi::Function constructor =
      EventWatch::DefineClass(env, "EventWatch", {EventWatch::InstanceMethod<&EventWatch::close>("close")});
  AddonData::of(env).constructor(ClassId::kEventWatch) = Napi::Persistent(constructor);
}

Napi::Value watch_events(Napi::Env env, std::unique_ptr<EventSource> source, Napi::Function callback) {
  AddonData& data = AddonData::of(env);
  Napi::Object object = data.constructor(ClassId::kEventWatch).New({});
  if (object.IsEmpty()) return env.Undefined();
  auto task = std::make_shared<WatchTask>(data.loop, std::move(source), callback);
  if (auto started = task->start(env); !started) {
    throw_error(env, started.error());
    return env.Undefined();
  }
  EventWatch::Unwrap(object)->attach(std::move(task));
  return object;
}

}  // namespace talos::bind
