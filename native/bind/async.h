// Blocking calls of a core on Node's thread pool, as promises.
#pragma once

#include <napi.h>

#include <optional>
#include <utility>

#include "base/result.h"
#include "bind/error.h"

namespace talos::bind {

// False while the environment is being torn down (a worker that was terminated): calls are still completed then.
inline bool can_run_js(Napi::Env env) {
  napi_value text;
  return napi_coerce_to_string(env, env.Undefined(), &text) == napi_ok;
}

// Runs `work` (no napi inside; returns Result<T>) on the pool and settles a promise with `convert(env, T)`.
template <typename T, typename Work, typename Convert>
class PromiseWorker : public Napi::AsyncWorker {
 public:
  PromiseWorker(Napi::Env env, Work work, Convert convert)
      : Napi::AsyncWorker(env, "talos"),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        convert_(std::move(convert)) {}

  Napi::Promise promise() { return deferred_.Promise(); }

  void Execute() override { result_.emplace(work_()); }

  void OnOK() override {
    Napi::HandleScope scope(Env());
    // Nobody is left to tell, and nothing that is made for JavaScript would come into being.
    if (!can_run_js(Env())) return;
    if (!result_->ok()) {
      deferred_.Reject(to_js_error(Env(), result_->error()).Value());
    } else if constexpr (std::is_void_v<T>) {
      deferred_.Resolve(Env().Undefined());
    } else {
      deferred_.Resolve(convert_(Env(), std::move(*result_).value()));
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  Work work_;
  Convert convert_;
  std::optional<Result<T>> result_;
};

template <typename T, typename Work, typename Convert>
Napi::Value run_async(Napi::Env env, Work work, Convert convert) {
  auto* worker = new PromiseWorker<T, Work, Convert>(env, std::move(work), std::move(convert));
  Napi::Promise promise = worker->promise();
  worker->Queue();  // the worker deletes itself
  return promise;
}

template <typename Work>
Napi::Value run_async_void(Napi::Env env, Work work) {
  return run_async<void>(env, std::move(work), [](Napi::Env e) { return e.Undefined(); });
}

}  // namespace talos::bind
