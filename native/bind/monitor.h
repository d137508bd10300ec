// A descriptor whose messages or changes become calls of functions, until close(): what the monitors and watches of the contract
// are made of.
//
// What has happened waits in the kernel, not here: the reactor only rings, once, and is armed again when the JavaScript thread
// has taken a batch. A JavaScript thread that is too slow makes a socket say ENOBUFS, and sees several changes of a file as one.
#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <utility>

#include "bind/addon_data.h"
#include "bind/js_loop.h"
#include "reactor/reactor.h"

namespace talos::bind {

class MonitorTask : public ReadyHandler, public JsTask, public std::enable_shared_from_this<MonitorTask> {
 public:
  explicit MonitorTask(std::shared_ptr<JsLoop> loop) : loop_(std::move(loop)) {}

  // JavaScript thread. Keeps the event loop alive until stop(). With `at_once`, the first turn comes without a message.
  Result<void> start(Napi::Env env, bool at_once);

  // Reactor thread.
  void on_ready(uint32_t) noexcept override { loop_->post(shared_from_this()); }
  // JavaScript thread.
  void run(Napi::Env env) override;

  // JavaScript thread. Idempotent.
  void stop(Napi::Env env);
  // The part of stop() that needs no environment. False if it was done already.
  bool abandon();

 protected:
  // kEnd: nothing more will come; close() is still to be called.
  enum class Next { kWait, kAgain, kEnd };

  // JavaScript thread: takes a batch and calls functions, which may call stop() or throw.
  virtual Next turn(Napi::Env env) = 0;
  [[nodiscard]] virtual int fd() const = 0;
  // Of epoll_wait(2), without EPOLLONESHOT.
  [[nodiscard]] virtual uint32_t events() const;
  // Lets go of the functions, and closes the descriptor. Not while turn() uses it.
  virtual void release() = 0;

  [[nodiscard]] bool is_running() const { return token_.has_value(); }

 private:
  std::shared_ptr<JsLoop> loop_;
  // Set from start() to the end.
  std::optional<Reactor::Token> token_;
};

// What an open file tells, to one function. `File` has fd().
template <typename File>
class FileTask : public MonitorTask {
 public:
  FileTask(Napi::Env env, File file, Napi::Function function)
      : MonitorTask(AddonData::of(env).loop), file_(std::move(file)), function_(Napi::Persistent(function)) {}

 protected:
  [[nodiscard]] int fd() const override { return file_->fd(); }
  void release() override {
    file_.reset();
    function_.Reset();
  }

  // None after the end, which a call of the function may bring: the task itself may be on its way to the loop for a while.
  std::optional<File> file_;
  Napi::FunctionReference function_;
};

// The class with close() that JavaScript sees.
void define_monitor(Napi::Env env);

// Starts the task and gives its object, which lives until close() even if nobody refers to it, as with Node's own sockets; or
// until the environment ends. Undefined, with an exception pending, when it cannot be started.
Napi::Value start_monitor(Napi::Env env, std::shared_ptr<MonitorTask> task, bool at_once);

}  // namespace talos::bind
