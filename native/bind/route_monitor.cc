#include "bind/route_monitor.h"

#include <memory>
#include <optional>

#include "bind/addon_data.h"
#include "bind/error.h"
#include "bind/monitor.h"
#include "bind/netlink_batch.h"
#include "bind/takes.h"
#include "netlink/subscription.h"

namespace talos::bind {

namespace {

class RouteTask : public MonitorTask {
 public:
  RouteTask(std::shared_ptr<JsLoop> loop, netlink::Subscription subscription, Napi::Function on_batch, Napi::Function on_error)
      : MonitorTask(std::move(loop)),
        subscription_(std::move(subscription)),
        on_batch_(Napi::Persistent(on_batch)),
        on_error_(Napi::Persistent(on_error)) {}

 protected:
  Next turn(Napi::Env env) override {
    netlink::Batch batch;
    auto outcome = subscription_->receive(batch);
    if (!batch.is_empty()) {
      Napi::Object object = to_js_batch(env, batch);
      // The thread is being terminated.
      if (object.IsEmpty()) return Next::kWait;
      on_batch_.Call({object});
    }
    // What the function throws is an uncaught exception; it had the whole batch, so nothing is lost by it.
    if (env.IsExceptionPending() || !is_running()) return Next::kAgain;
    if (outcome) return outcome.value() == netlink::Subscription::Outcome::kMore ? Next::kAgain : Next::kWait;
    // The last thing that is heard of it: better an end that is told than a gap that is not.
    Napi::Value error = to_js_error(env, outcome.error()).Value();
    Napi::Function on_error = on_error_.Value();
    stop(env);
    on_error.Call({error});
    return Next::kWait;
  }

  [[nodiscard]] int fd() const override { return subscription_->fd(); }

  void release() override {
    subscription_.reset();
    on_batch_.Reset();
    on_error_.Reset();
  }

 private:
  // None after the end: the task itself may be on its way to the loop for a while.
  std::optional<netlink::Subscription> subscription_;
  Napi::FunctionReference on_batch_;
  Napi::FunctionReference on_error_;
};

}  // namespace

Napi::Value monitor_routes(const Napi::CallbackInfo& info) {
  if (!takes(info, "nnff")) return {};
  Napi::Env env = info.Env();
  netlink::Kinds kinds(static_cast<uint8_t>(info[0].As<Napi::Number>().Uint32Value()));
  auto subscription = netlink::Subscription::open(kinds, info[1].As<Napi::Number>().Int32Value());
  if (!subscription) {
    throw_error(env, subscription.error());
    return env.Undefined();
  }
  auto task = std::make_shared<RouteTask>(AddonData::of(env).loop, std::move(subscription).value(), info[2].As<Napi::Function>(),
                                          info[3].As<Napi::Function>());
  return start_monitor(env, std::move(task), true);
}

}  // namespace talos::bind
