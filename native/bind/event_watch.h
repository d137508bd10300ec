// A callback for each time that something in the kernel has changed: what it costs is one registration at the reactor.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>

namespace talos::bind {

// What is watched. JavaScript thread only.
class EventSource {
 public:
  virtual ~EventSource() = default;
  [[nodiscard]] virtual int fd() const = 0;
  // Of epoll_wait(2), without EPOLLONESHOT.
  [[nodiscard]] virtual uint32_t events() const = 0;
  // Reads what is there and calls `callback`, never blocking; has a handle scope. False: nothing more will come. An exception
  // that the callback leaves pending ends the turn, not the watch. The callback may close the watch.
  virtual bool deliver(Napi::Env env, Napi::Function callback) = 0;
};

// The watch as JavaScript has it: {close()}, idempotent, to be called also when the source has ended by itself. Until one of the
// two it keeps the event loop alive. Undefined, with an exception pending, when the reactor cannot watch it.
Napi::Value watch_events(Napi::Env env, std::unique_ptr<EventSource> source, Napi::Function callback);

void define_event_watch(Napi::Env env);

}  // namespace talos::bind
