#include "bind/log_ring.h"

#include <memory>
#include <string>
#include <vector>

#include "bind/addon_data.h"
#include "bind/error.h"
#include "bind/fd.h"
#include "bind/strings.h"
#include "bind/takes.h"
#include "ring/log.h"

namespace talos::bind {

namespace {

// Everybody who waits for drained(). Posted by the reactor thread when the last pipe has ended.
class DrainTask : public JsTask {
 public:
  DrainTask(std::shared_ptr<JsLoop> loop, std::weak_ptr<ring::Log> log) : loop_(std::move(loop)), log_(std::move(log)) {}

  // `owner`, the object of the ring, is not collected until then: its pipes would be closed, and nobody told.
  Napi::Value wait(Napi::Object owner) {
    Napi::Env env = owner.Env();
    auto deferred = Napi::Promise::Deferred::New(env);
    if (is_drained()) {
      deferred.Resolve(env.Undefined());
    } else {
      if (waiting_.empty()) owner_ = Napi::Persistent(owner);
      waiting_.push_back(deferred);
      loop_->hold(env);
    }
    return deferred.Promise();
  }

  void run(Napi::Env env) override {
    if (is_drained()) settle(env);
  }

  void settle(Napi::Env env) {
    std::vector<Napi::Promise::Deferred> waiting;
    waiting.swap(waiting_);
    for (auto& deferred : waiting) {
      loop_->unhold(env);
      deferred.Resolve(env.Undefined());
    }
    abandon();
  }

  // JavaScript thread: the reactor's may be the last to have this task, and must find no reference in it.
  void abandon() { owner_.Reset(); }

 private:
  [[nodiscard]] bool is_drained() const {
    auto log = log_.lock();
    return !log || log->open_pipes() == 0;
  }

  std::shared_ptr<JsLoop> loop_;
  std::weak_ptr<ring::Log> log_;
  std::vector<Napi::Promise::Deferred> waiting_;
  Napi::ObjectReference owner_;
};

class LogRing : public Napi::ObjectWrap<LogRing> {
 public:
  static void define(Napi::Env env) {
    Napi::Function constructor =
        DefineClass(env, "LogRing",
                    {InstanceAccessor<&LogRing::stats>("stats"), InstanceMethod<&LogRing::attach>("attach"),
                     InstanceMethod<&LogRing::drained>("drained"), InstanceMethod<&LogRing::write>("write"),
                     InstanceMethod<&LogRing::subscribe>("subscribe"), InstanceMethod<&LogRing::unsubscribe>("unsubscribe"),
                     InstanceMethod<&LogRing::last_line>("lastLine"), InstanceMethod<&LogRing::close>("close")});
    AddonData::of(env).constructor(ClassId::kLogRing) = Napi::Persistent(constructor);
  }

  static Napi::Value create(Napi::Env env, std::shared_ptr<ring::Log> log) {
    AddonData& data = AddonData::of(env);
    Napi::Object object;
    auto* wrapped = make_object<LogRing>(env, ClassId::kLogRing, object);
    if (wrapped == nullptr) return env.Undefined();
    auto drain = std::make_shared<DrainTask>(data.loop, log);
    log->set_drain_listener([loop = data.loop, drain] { loop->post(drain); });
    wrapped->log_ = std::move(log);
    wrapped->drain_ = std::move(drain);
    return object;
  }

  explicit LogRing(const Napi::CallbackInfo& info) : Napi::ObjectWrap<LogRing>(info) {}

  ~LogRing() override {
    if (log_) log_->close();
    if (drain_) drain_->abandon();
  }

 private:
  Napi::Value stats(const Napi::CallbackInfo& info) {
    if (!check(info.Env())) return info.Env().Undefined();
    auto stats = log_->stats();
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("records", static_cast<double>(stats.records));
    result.Set("bytes", static_cast<double>(stats.bytes));
    result.Set("sizeBytes", static_cast<double>(stats.data_bytes));
    return result;
  }

  void attach(const Napi::CallbackInfo& info) {
    if (!takes(info, "Ds")) return;
    if (!check(info.Env())) return;
    UniqueFd pipe = take_fd(info.Env(), info[0]);
    if (!pipe) return;
    auto stream = to_string(info[1]) == "stderr" ? ring::Stream::kStderr : ring::Stream::kStdout;
    if (auto attached = log_->attach(std::move(pipe), stream); !attached) throw_error(info.Env(), attached.error());
  }

  Napi::Value drained(const Napi::CallbackInfo& info) {
    return check(info.Env()) ? drain_->wait(Value()) : info.Env().Undefined();
  }

  void write(const Napi::CallbackInfo& info) {
    if (!takes(info, info[0].IsString() ? "s" : "u") || !check(info.Env())) return;
    if (info[0].IsString()) {
      log_->write(to_string(info[0]));
    } else {
      auto bytes = info[0].As<Napi::Uint8Array>();
      log_->write({reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength()});
    }
  }

  // {memory, doorbell, id}
  Napi::Value subscribe(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    if (!check(env)) return env.Undefined();
    auto subscribed = log_->subscribe();
    if (!subscribed) {
      throw_error(env, subscribed.error());
      return env.Undefined();
    }
    Napi::Object result = Napi::Object::New(env);
    result.Set("memory", FileDescriptor::create(env, std::move(subscribed.value().memory)));
    result.Set("doorbell", FileDescriptor::create(env, std::move(subscribed.value().doorbell)));
    result.Set("id", static_cast<double>(subscribed.value().id));
    return result;
  }

  void unsubscribe(const Napi::CallbackInfo& info) {
    if (!takes(info, "n")) return;
    if (check(info.Env())) log_->unsubscribe(static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value()));
  }

  Napi::Value last_line(const Napi::CallbackInfo& info) {
    if (!takes(info, "n")) return {};
    if (!check(info.Env())) return info.Env().Undefined();
    std::string line = log_->last_line(info[0].As<Napi::Number>().Uint32Value());
    return Napi::Buffer<char>::Copy(info.Env(), line.data(), line.size());
  }

  void close(const Napi::CallbackInfo& info) {
    if (!check(info.Env())) return;
    log_->close();
    drain_->settle(info.Env());
  }

  // An object made by calling the constructor from JavaScript has no log.
  bool check(Napi::Env env) {
    if (!log_) throw_invalid_argument(env, "not a log ring");
    return log_ != nullptr;
  }

  std::shared_ptr<ring::Log> log_;
  std::shared_ptr<DrainTask> drain_;
};

}  // namespace

void define_log_ring(Napi::Env env) { LogRing::define(env); }

Napi::Value create_log_ring(const Napi::CallbackInfo& info) {
  if (!takes(info, "sn")) return {};
  auto log = ring::Log::create(to_string(info[0]), static_cast<size_t>(info[1].As<Napi::Number>().Int64Value()));
  if (log) return LogRing::create(info.Env(), std::move(log).value());
  throw_error(info.Env(), log.error());
  return info.Env().Undefined();
}

}  // namespace talos::bind
