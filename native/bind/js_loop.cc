#include "bind/js_loop.h"

#include <utility>

namespace talos::bind {

std::shared_ptr<JsLoop> JsLoop::create(Napi::Env env) {
  auto loop = std::make_shared<JsLoop>();
  // SAFETY: the thread-safe function keeps the loop alive through this pointer until its finalizer, which is its last call.
  auto* keep_alive = new std::shared_ptr<JsLoop>(loop);
  auto finalize = [](napi_env, void* data, void*) {
    auto* owner = static_cast<std::shared_ptr<JsLoop>*>(data);
    {
      std::scoped_lock lock((*owner)->ringing_, (*owner)->mutex_);
      (*owner)->closed_ = true;
    }
    delete owner;
  };
  napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "talos"), kQueueSize, 1, keep_alive, finalize,
                                  loop.get(), &JsLoop::drain, &loop->function_);
  napi_unref_threadsafe_function(env, loop->function_);
  return loop;
}

void JsLoop::post(std::shared_ptr<JsTask> task) {
  {
    std::lock_guard lock(mutex_);
    if (closed_ || task->queued_) return;
    task->queued_ = true;
    tasks_.push_back(std::move(task));
    // Whoever made it not empty rings.
    if (tasks_.size() > 1) return;
  }
  // Not under the mutex of the list: the JavaScript thread is awake before this call is back, and would sleep on it.
  std::lock_guard lock(ringing_);
  if (closed_) return;
  // napi_queue_full: a call that will empty the list is on its way already.
  if (napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking) != napi_closing) return;
  std::lock_guard both(mutex_);
  closed_ = true;
}

void JsLoop::hold(Napi::Env env) {
  if (holds_++ == 0) napi_ref_threadsafe_function(env, function_);
}

void JsLoop::unhold(Napi::Env env) {
  if (--holds_ == 0) napi_unref_threadsafe_function(env, function_);
}

void JsLoop::drain(napi_env raw_env, napi_value, void* context, void*) {
  auto* loop = static_cast<JsLoop*>(context);
  std::vector<std::shared_ptr<JsTask>> tasks;
  {
    std::lock_guard lock(loop->mutex_);
    tasks.swap(loop->tasks_);
    for (auto& task : tasks) task->queued_ = false;
  }
  if (raw_env == nullptr) return;
  Napi::Env env(raw_env);
  for (auto& task : tasks) {
    Napi::HandleScope scope(env);
    task->run(env);
    if (env.IsExceptionPending()) {
      Napi::Error error = env.GetAndClearPendingException();
      napi_fatal_exception(env, error.Value());
    }
  }
}

}  // namespace talos::bind
