// Calls of a core that may never return, as promises: on a thread of DeadlineThreads, settled by their result or by their
// deadline.
#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <utility>

#include "base/result.h"
#include "bind/addon_data.h"
#include "bind/error.h"
#include "bind/js_loop.h"
#include "reactor/deadline_threads.h"

namespace talos::bind {

// `work` (no napi inside) returns Result<T>; `convert(env, T)` makes the value of the promise.
template <typename T, typename Work, typename Convert>
class DeadlineCall : public DeadlineJob, public JsTask, public std::enable_shared_from_this<DeadlineCall<T, Work, Convert>> {
 public:
  DeadlineCall(Napi::Env env, Error timeout_error, Work work, Convert convert)
      : loop_(AddonData::of(env).loop),
        deferred_(Napi::Promise::Deferred::New(env)),
        timeout_error_(std::move(timeout_error)),
        work_(std::in_place, std::move(work)),
        convert_(std::move(convert)) {}

  Napi::Value start(Napi::Env env, std::optional<std::chrono::milliseconds> timeout) {
    loop_->hold(env);
    if (auto submitted = DeadlineThreads::instance().submit(this->shared_from_this(), timeout); !submitted) {
      loop_->unhold(env);
      deferred_.Reject(to_js_error(env, submitted.error()).Value());
    }
    return deferred_.Promise();
  }

  void work() noexcept override {
    result_.emplace((*work_)());
    // Descriptors that it held are closed before the promise settles.
    work_.reset();
  }
  void done() noexcept override { loop_->post(this->shared_from_this()); }
  void expired() noexcept override {
    // From here on the result belongs to the thread that may still be at work.
    is_expired_ = true;
    loop_->post(this->shared_from_this());
  }

  void run(Napi::Env env) override {
    loop_->unhold(env);
    if (is_expired_) {
      deferred_.Reject(to_js_error(env, timeout_error_).Value());
    } else if (!result_->ok()) {
      deferred_.Reject(to_js_error(env, result_->error()).Value());
    } else if constexpr (std::is_void_v<T>) {
      deferred_.Resolve(env.Undefined());
    } else {
      deferred_.Resolve(convert_(env, std::move(*result_).value()));
    }
  }

 private:
  std::shared_ptr<JsLoop> loop_;
  Napi::Promise::Deferred deferred_;
  Error timeout_error_;
  std::optional<Work> work_;
  Convert convert_;
  std::optional<Result<T>> result_;
  bool is_expired_ = false;
};

// `timeout`: a number of milliseconds, or undefined for none. `about`: what an ETIMEDOUT names.
template <typename T, typename Work, typename Convert>
Napi::Value run_with_deadline(const Napi::Value& timeout, Error about, Work work, Convert convert) {
  Napi::Env env = timeout.Env();
  std::optional<std::chrono::milliseconds> limit;
  if (timeout.IsNumber()) limit = std::chrono::milliseconds(timeout.As<Napi::Number>().Int64Value());
  about.errno_value = ETIMEDOUT;
  auto call = std::make_shared<DeadlineCall<T, Work, Convert>>(env, std::move(about), std::move(work), std::move(convert));
  return call->start(env, limit);
}

template <typename Work>
Napi::Value run_with_deadline_void(const Napi::Value& timeout, Error about, Work work) {
  return run_with_deadline<void>(timeout, std::move(about), std::move(work), [](Napi::Env env) { return env.Undefined(); });
}

}  // namespace talos::bind
