#include "bind/channel_listener.h"

#include <optional>

#include "bind/addon_data.h"
#include "bind/error.h"
#include "bind/fd.h"
#include "bind/strings.h"
#include "bind/takes.h"
#include "bind/watch.h"
#include "channel/listener.h"

namespace talos::bind {

namespace {

class ChannelListener : public Napi::ObjectWrap<ChannelListener> {
 public:
  static void define(Napi::Env env) {
    Napi::Function constructor =
        DefineClass(env, "ChannelListener",
                    {InstanceMethod<&ChannelListener::accept>("accept"), InstanceMethod<&ChannelListener::wait>("wait"),
                     InstanceMethod<&ChannelListener::close>("close")});
    AddonData::of(env).constructor(ClassId::kChannelListener) = Napi::Persistent(constructor);
  }

  explicit ChannelListener(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ChannelListener>(info) {}

  void attach(channel::Listener listener) { listener_.emplace(std::move(listener)); }

 private:
  static Error closed() { return Error{ECANCELED, "accept", {}, {}, "the listener is closed"}; }

  Napi::Value accept(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    Result<std::optional<UniqueFd>> accepted = listener_ ? listener_->accept() : closed();
    if (!accepted) {
      throw_error(env, accepted.error());
      return env.Undefined();
    }
    return accepted.value() ? FileDescriptor::create(env, std::move(*accepted.value())) : env.Undefined();
  }

  Napi::Value wait(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    if (listener_) return watch_.wait(Value(), listener_->fd());
    auto deferred = Napi::Promise::Deferred::New(env);
    deferred.Reject(to_js_error(env, closed()).Value());
    return deferred.Promise();
  }

  void close(const Napi::CallbackInfo& info) {
    watch_.close(info.Env());
    listener_.reset();
  }

  // The watch goes first: it must not wait for a descriptor that is closed.
  std::optional<channel::Listener> listener_;
  Watch watch_;
};

}  // namespace

void define_channel_listener(Napi::Env env) { ChannelListener::define(env); }

Napi::Value listen_channel(const Napi::CallbackInfo& info) {
  if (!takes(info, "s")) return {};
  Napi::Env env = info.Env();
  auto listener = channel::Listener::open(to_string(info[0]));
  if (!listener) {
    throw_error(env, listener.error());
    return env.Undefined();
  }
  Napi::Object object;
  auto* made = make_object<ChannelListener>(env, ClassId::kChannelListener, object);
  if (made != nullptr) made->attach(std::move(listener).value());
  return object;
}

}  // namespace talos::bind
