#include "bind/monitor.h"

#include <sys/epoll.h>

#include "bind/addon_data.h"
#include "bind/error.h"

namespace talos::bind {

namespace {

class Monitor : public Napi::ObjectWrap<Monitor> {
 public:
  explicit Monitor(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Monitor>(info) {}

  ~Monitor() override {
    if (task_) task_->abandon();
  }

  void attach(std::shared_ptr<MonitorTask> task) {
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
  std::shared_ptr<MonitorTask> task_;
};

}  // namespace

Result<void> MonitorTask::start(Napi::Env env, bool at_once) {
  auto token = Reactor::instance().add(fd(), events() | EPOLLONESHOT, shared_from_this());
  if (!token) return token.error();
  token_ = token.value();
  loop_->hold(env);
  if (at_once) loop_->post(shared_from_this());
  return {};
}

void MonitorTask::run(Napi::Env env) {
  if (!token_) return;
  Next next = turn(env);
  if (!token_) return;
  if (next == Next::kAgain) {
    loop_->post(shared_from_this());
  } else if (next == Next::kEnd || !Reactor::instance().rearm(*token_, events() | EPOLLONESHOT)) {
    stop(env);
  }
}

uint32_t MonitorTask::events() const { return EPOLLIN; }

void MonitorTask::stop(Napi::Env env) {
  if (abandon()) loop_->unhold(env);
}

bool MonitorTask::abandon() {
  if (!token_) return false;
  Reactor::instance().remove(*token_);
  token_.reset();
  release();
  return true;
}

void define_monitor(Napi::Env env) {
  Napi::Function constructor = Monitor::DefineClass(env, "Monitor", {Monitor::InstanceMethod<&Monitor::close>("close")});
  AddonData::of(env).constructor(ClassId::kMonitor) = Napi::Persistent(constructor);
}

Napi::Value start_monitor(Napi::Env env, std::shared_ptr<MonitorTask> task, bool at_once) {
  Napi::Object object;
  auto* monitor = make_object<Monitor>(env, ClassId::kMonitor, object);
  if (monitor == nullptr) return env.Undefined();
  if (auto started = task->start(env, at_once); !started) {
    throw_error(env, started.error());
    return env.Undefined();
  }
  monitor->attach(std::move(task));
  return object;
}

}  // namespace talos::bind
