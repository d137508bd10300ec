#include "bind/route_monitor.h"

#include <memory>
#include <optional>

#include "bind/addon_data.h"
#include "bind/error.h"
#include "bind/monitor.h"
#include "bind/netlink_batch.h"
#include "bind/takes.h"
#include "netlink/name_servers.h"
#include "netlink/subscription.h"

namespace talos::bind {

namespace {

// What a socket receives into batches, to one function. `Source` has fd(), and receive() that says whether there may be more.
template <typename Source>
class BatchTask : public MonitorTask {
 public:
  BatchTask(std::shared_ptr<JsLoop> loop, Source source, Napi::Function on_batch, Napi::Function on_error)
      : MonitorTask(std::move(loop)),
        source_(std::move(source)),
        on_batch_(Napi::Persistent(on_batch)),
        on_error_(Napi::Persistent(on_error)) {}

 protected:
  Next turn(Napi::Env env) override {
    netlink::Batch batch;
    auto outcome = source_->receive(batch);
    if (!batch.is_empty()) {
      Napi::Object object = to_js_batch(env, batch);
      // The thread is being terminated.
      if (object.IsEmpty()) return Next::kWait;
      on_batch_.Call({object});
    }
    // What the function throws is an uncaught exception; it had the whole batch, so nothing is lost by it.
    if (env.IsExceptionPending() || !is_running()) return Next::kAgain;
    if (outcome) return outcome.value() == Source::Outcome::kMore ? Next::kAgain : Next::kWait;
    // The last thing that is heard of it: better an end that is told than a gap that is not.
    Napi::Value error = to_js_error(env, outcome.error()).Value();
    Napi::Function on_error = on_error_.Value();
    stop(env);
    on_error.Call({error});
    return Next::kWait;
  }

  [[nodiscard]] int fd() const override { return source_->fd(); }

  void release() override {
    source_.reset();
    on_batch_.Reset();
    on_error_.Reset();
  }

 private:
  // None after the end: the task itself may be on its way to the loop for a while.
  std::optional<Source> source_;
  Napi::FunctionReference on_batch_;
  Napi::FunctionReference on_error_;
};

template <typename Source>
Napi::Value start(Napi::Env env, Result<Source> source, const Napi::Value& on_batch, const Napi::Value& on_error) {
  if (!source) {
    throw_error(env, source.error());
    return env.Undefined();
  }
  auto task = std::make_shared<BatchTask<Source>>(AddonData::of(env).loop, std::move(source).value(),
                                                  on_batch.As<Napi::Function>(), on_error.As<Napi::Function>());
  return start_monitor(env, std::move(task), true);
}

}  // namespace

Napi::Value monitor_routes(const Napi::CallbackInfo& info) {
  if (!takes(info, "nnff")) return {};
  netlink::Kinds kinds(static_cast<uint8_t>(info[0].As<Napi::Number>().Uint32Value()));
  auto subscription = netlink::Subscription::open(kinds, info[1].As<Napi::Number>().Int32Value());
  return start(info.Env(), std::move(subscription), info[2], info[3]);
}

Napi::Value monitor_name_servers(const Napi::CallbackInfo& info) {
  if (!takes(info, "ff")) return {};
  return start(info.Env(), netlink::NameServerSocket::open(), info[0], info[1]);
}

}  // namespace talos::bind
