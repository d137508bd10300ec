// The way from other threads to the JavaScript thread: one thread-safe function an environment, one doorbell outstanding.
//
// What has to be run is kept in a list that holds each task at most once, so it is bounded by the number of open objects, and
// the queue of the thread-safe function never needs to hold more than the one call that empties the list.
#pragma once

#include <napi.h>

#include <memory>
#include <mutex>
#include <vector>

namespace talos::bind {

// Work for the JavaScript thread. A task that is posted again before it ran runs once.
class JsTask {
 public:
  virtual ~JsTask() = default;
  // JavaScript thread, with a handle scope. An exception it leaves pending becomes an uncaught one of the process.
  virtual void run(Napi::Env env) = 0;

 private:
  friend class JsLoop;
  bool queued_ = false;  // guarded by the loop's mutex
};

class JsLoop : public std::enable_shared_from_this<JsLoop> {
 public:
  static std::shared_ptr<JsLoop> create(Napi::Env env);

  // Any thread, never blocks. After the environment has ended: nothing happens.
  void post(std::shared_ptr<JsTask> task);

  // JavaScript thread: while the count is above 0 the event loop stays alive, as with Node's own sockets and children.
  void hold(Napi::Env env);
  void unhold(Napi::Env env);

 private:
  static constexpr size_t kQueueSize = 1;

  // With an empty environment when it is ending: then the tasks are only dropped.
  static void drain(napi_env env, napi_value callback, void* context, void* data);

  // Guards tasks_ and every task's queued_.
  std::mutex mutex_;
  std::vector<std::shared_ptr<JsTask>> tasks_;
  // Held while the doorbell is rung, which must not be gone then. Taken before mutex_, where both are.
  std::mutex ringing_;
  // Set once, with both mutexes held; either is enough to look at it.
  bool closed_ = false;
  napi_threadsafe_function function_ = nullptr;
  int holds_ = 0;  // JavaScript thread only
};

}  // namespace talos::bind
