#include "bind/uevent_monitor.h"

#include <memory>
#include <optional>

#include "bind/addon_data.h"
#include "bind/error.h"
#include "bind/monitor.h"
#include "bind/takes.h"
#include "netlink/uevent.h"

namespace talos::bind {

namespace {

class UeventTask : public MonitorTask {
 public:
  UeventTask(std::shared_ptr<JsLoop> loop, netlink::UeventSocket socket, Napi::Function on_uevent, Napi::Function on_overrun)
      : MonitorTask(std::move(loop)),
        socket_(std::move(socket)),
        on_uevent_(Napi::Persistent(on_uevent)),
        on_overrun_(Napi::Persistent(on_overrun)) {}

 protected:
  Next turn(Napi::Env env) override {
    for (int count = 0; count < kBatch && is_running(); count++) {
      auto outcome = socket_->receive();
      // Whatever else may go wrong (ENOMEM), events may be lost by it.
      if (!outcome || std::holds_alternative<netlink::UeventOverrun>(outcome.value())) {
        on_overrun_.Call({});
        if (!outcome) break;
      } else if (auto* event = std::get_if<netlink::Uevent>(&outcome.value())) {
        deliver(env, *event);
      } else {
        return Next::kWait;
      }
      // Thrown by the function.
      if (env.IsExceptionPending()) break;
    }
    // Not through the reactor: an overrun is still to be told when the queue is empty already.
    return Next::kAgain;
  }

  [[nodiscard]] int fd() const override { return socket_->fd(); }

  void release() override {
    socket_.reset();
    on_uevent_.Reset();
    on_overrun_.Reset();
  }

 private:
  // Of one turn of the event loop: a storm of events must not keep everything else waiting.
  static constexpr int kBatch = 64;

  void deliver(Napi::Env env, const netlink::Uevent& event) {
    Napi::HandleScope scope(env);
    auto properties = Napi::Array::New(env, event.properties.size() * 2);
    uint32_t position = 0;
    for (const auto& [key, value] : event.properties) {
      properties.Set(position++, key);
      properties.Set(position++, value);
    }
    on_uevent_.Call({Napi::String::New(env, event.action), Napi::String::New(env, event.devpath),
                     Napi::String::New(env, event.subsystem), properties});
  }

  // None after the end: the task itself may be on its way to the loop for a while.
  std::optional<netlink::UeventSocket> socket_;
  Napi::FunctionReference on_uevent_;
  Napi::FunctionReference on_overrun_;
};

}  // namespace

Napi::Value monitor_uevents(const Napi::CallbackInfo& info) {
  if (!takes(info, "ffn")) return {};
  Napi::Env env = info.Env();
  auto socket = netlink::UeventSocket::open(info[2].As<Napi::Number>().Int32Value());
  if (!socket) {
    throw_error(env, socket.error());
    return env.Undefined();
  }
  auto task = std::make_shared<UeventTask>(AddonData::of(env).loop, std::move(socket).value(), info[0].As<Napi::Function>(),
                                           info[1].As<Napi::Function>());
  return start_monitor(env, std::move(task), false);
}

}  // namespace talos::bind
