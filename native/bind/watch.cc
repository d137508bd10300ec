#include "bind/watch.h"

#include <sys/epoll.h>

#include "bind/addon_data.h"
#include "bind/error.h"

namespace talos::bind {

class Watch::Task : public ReadyHandler, public JsTask, public std::enable_shared_from_this<Watch::Task> {
 public:
  explicit Task(std::shared_ptr<JsLoop> loop) : loop_(std::move(loop)) {}

  void on_ready(uint32_t) noexcept override { loop_->post(shared_from_this()); }

  void run(Napi::Env env) override {
    if (!deferred_) return;
    Napi::Promise::Deferred deferred = *deferred_;
    settle(env);
    deferred.Resolve(env.Undefined());
  }

  Napi::Value start(Napi::Object owner) {
    Napi::Env env = owner.Env();
    owner_ = Napi::Persistent(owner);
    deferred_ = Napi::Promise::Deferred::New(env);
    loop_->hold(env);
    promise_ = Napi::Persistent(deferred_->Promise().As<Napi::Object>());
    return deferred_->Promise();
  }

  void reject(Napi::Env env, const Error& error) {
    if (!deferred_) return;
    Napi::Promise::Deferred deferred = *deferred_;
    settle(env);
    deferred.Reject(to_js_error(env, error).Value());
  }

  [[nodiscard]] bool is_pending() const { return deferred_.has_value(); }
  Napi::Value promise() { return promise_.Value(); }
  void abandon() {
    deferred_.reset();
    promise_.Reset();
    owner_.Reset();
  }

 private:
  void settle(Napi::Env env) {
    abandon();
    loop_->unhold(env);
  }

  std::shared_ptr<JsLoop> loop_;
  std::optional<Napi::Promise::Deferred> deferred_;
  Napi::ObjectReference promise_;
  Napi::ObjectReference owner_;
};

Watch::~Watch() {
  if (token_) Reactor::instance().remove(*token_);
  // Collected or torn down: nobody is left to hear of it. The task itself may still be on its way to the loop.
  if (task_) task_->abandon();
}

Napi::Value Watch::wait(Napi::Object owner, int fd) {
  Napi::Env env = owner.Env();
  constexpr uint32_t kEvents = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT;
  if (!task_) task_ = std::make_shared<Task>(AddonData::of(env).loop);
  if (task_->is_pending()) return task_->promise();
  Napi::Value promise = task_->start(owner);
  if (token_) {
    if (auto rearmed = Reactor::instance().rearm(*token_, kEvents); !rearmed) task_->reject(env, rearmed.error());
  } else if (auto added = Reactor::instance().add(fd, kEvents, task_); added) {
    token_ = added.value();
  } else {
    task_->reject(env, added.error());
  }
  return promise;
}

bool Watch::is_pending() const { return task_ && task_->is_pending(); }

void Watch::close(Napi::Env env) {
  if (token_) Reactor::instance().remove(*token_);
  token_.reset();
  if (task_) task_->reject(env, Error{ECANCELED, "wait", {}, {}, {}});
}

}  // namespace talos::bind
