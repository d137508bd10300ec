// One-shot waiting for a descriptor, as a promise: what `wait()` of the readers is made of.
#pragma once

#include <napi.h>

#include <memory>
#include <optional>

#include "bind/js_loop.h"
#include "reactor/reactor.h"

namespace talos::bind {

// Owned by a wrapped object. JavaScript thread only, but for the reactor's call.
class Watch {
 public:
  Watch() = default;
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // A promise that resolves when `fd` is readable (or hung up). A second call while one is pending gets the same promise.
  // Keeps the event loop alive until then, and `owner`, the object that this watch is a part of, from being collected. `fd` must
  // stay open until close().
  Napi::Value wait(Napi::Object owner, int fd);

  // Between wait() and the settling of its promise.
  [[nodiscard]] bool is_pending() const;

  // Rejects a pending promise with ECANCELED. Call it before the descriptor is closed. Idempotent.
  void close(Napi::Env env);

 private:
  class Task;
  std::shared_ptr<Task> task_;
  std::optional<Reactor::Token> token_;
};

}  // namespace talos::bind
