// ChannelModule of the contract, in the raw shape of lib/native/channel.ts.
#include <napi.h>
#include <sys/epoll.h>

#include <memory>
#include <optional>
#include <vector>

#include "bind/addon_data.h"
#include "bind/channel_listener.h"
#include "bind/error.h"
#include "bind/fd.h"
#include "bind/modules.h"
#include "bind/strings.h"
#include "bind/takes.h"
#include "channel/connection.h"
#include "channel/listener.h"
#include "reactor/reactor.h"

namespace talos::bind {

namespace {

using channel::Connection;

// Messages wait in the socket, not here: the reactor only rings, once, and is armed again when the JavaScript thread has taken a
// batch. So a peer that sends faster than we handle is slowed down by its own full socket.
class ChannelTask : public ReadyHandler, public JsTask, public std::enable_shared_from_this<ChannelTask> {
 public:
  ChannelTask(std::shared_ptr<JsLoop> loop, Connection connection, Napi::Function on_message, Napi::Function on_close)
      : loop_(std::move(loop)),
        connection_(std::move(connection)),
        on_message_(Napi::Persistent(on_message)),
        on_close_(Napi::Persistent(on_close)) {}

  // All of it on the JavaScript thread, but for on_ready.
  Result<void> start(Napi::Env env, Napi::Object owner) {
    auto token = Reactor::instance().add(connection_.fd(), events(), shared_from_this());
    if (!token) return token.error();
    token_ = token.value();
    owner_ = Napi::Persistent(owner);
    loop_->hold(env);
    return {};
  }

  void on_ready(uint32_t) noexcept override { loop_->post(shared_from_this()); }

  // The callbacks may call stop().
  void run(Napi::Env env) override {
    if (!token_) return;
    if (auto flushed = connection_.flush(); !flushed) return end(env, to_js_error(env, flushed.error()).Value());
    for (int count = 0; count < kBatch && token_; ++count) {
      Napi::HandleScope scope(env);
      auto received = connection_.receive();
      if (!received) return end(env, to_js_error(env, received.error()).Value());
      if (received.value().kind == Connection::Received::kEnd) return end(env, env.Undefined());
      if (received.value().kind == Connection::Received::kNothing) break;
      deliver(env, received.value());
      if (env.IsExceptionPending()) break;
    }
    if (token_) (void)Reactor::instance().rearm(*token_, events());
  }

  bool is_open() const { return token_.has_value(); }

  Result<Connection::Sent> send(std::span<const std::byte> bytes, std::span<const int> descriptors) {
    auto sent = connection_.send(bytes, descriptors);
    if (connection_.has_queued()) (void)Reactor::instance().rearm(*token_, events());
    return sent;
  }

  Result<sys::SocketPeer> peer() const { return sys::socket_peer(connection_.fd()); }

  // Idempotent.
  void stop(Napi::Env env) {
    if (abandon()) loop_->unhold(env);
  }

  // The part of stop() that needs no environment.
  bool abandon() {
    if (!token_) return false;
    Reactor::instance().remove(*token_);
    token_.reset();
    connection_.close();
    owner_.Reset();
    on_message_.Reset();
    on_close_.Reset();
    return true;
  }

 private:
  // Of one turn of the event loop.
  static constexpr int kBatch = 64;

  [[nodiscard]] uint32_t events() const {
    return EPOLLIN | EPOLLRDHUP | EPOLLONESHOT | (connection_.has_queued() ? uint32_t{EPOLLOUT} : 0);
  }

  void deliver(Napi::Env env, Connection::Received& received) {
    auto buffer = Napi::Buffer<std::byte>::Copy(env, received.bytes.data(), received.bytes.size());
    auto descriptors = Napi::Array::New(env, received.descriptors.size());
    for (uint32_t i = 0; i < received.descriptors.size(); ++i) {
      descriptors.Set(i, FileDescriptor::create(env, std::move(received.descriptors[i])));
    }
    on_message_.Call({buffer, descriptors});
  }

  void end(Napi::Env env, Napi::Value error) {
    Napi::Function on_close = on_close_.Value();
    stop(env);
    on_close.Call({error});
  }

  std::shared_ptr<JsLoop> loop_;
  Connection connection_;
  // Keeps the wrapping object from being collected while the channel is open.
  Napi::ObjectReference owner_;
  Napi::FunctionReference on_message_;
  Napi::FunctionReference on_close_;
  // Set from start() to the end.
  std::optional<Reactor::Token> token_;
};

// Lives until close() or the end of the connection even if nobody refers to it, as with Node's own sockets.
class Channel : public Napi::ObjectWrap<Channel> {
 public:
  static void define(Napi::Env env) {
    Napi::Function constructor = DefineClass(env, "Channel",
                                             {InstanceMethod<&Channel::send>("send"), InstanceMethod<&Channel::peer>("peer"),
                                              InstanceMethod<&Channel::close>("close")});
    AddonData::of(env).constructor(ClassId::kChannel) = Napi::Persistent(constructor);
  }

  explicit Channel(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Channel>(info) {}

  ~Channel() override {
    if (task_) task_->abandon();
  }

  void attach(std::shared_ptr<ChannelTask> task) { task_ = std::move(task); }

 private:
  Napi::Value send(const Napi::CallbackInfo& info) {
    if (!takes(info, "ua")) return {};
    Napi::Env env = info.Env();
    auto bytes = info[0].As<Napi::Uint8Array>();
    std::vector<int> descriptors;
    for (const Napi::Value& handle : to_elements(info[1])) {
      descriptors.push_back(borrow_fd(env, handle));
      if (descriptors.back() == -1) return env.Undefined();
    }
    if (!task_ || !task_->is_open()) return Napi::Boolean::New(env, false);
    auto sent = task_->send({reinterpret_cast<const std::byte*>(bytes.Data()), bytes.ByteLength()}, descriptors);
    // To a peer that has gone it is as good as sent: on_close tells.
    if (sent) return Napi::Boolean::New(env, sent.value() != Connection::Sent::kFull);
    throw_error(env, sent.error());
    return env.Undefined();
  }

  // [pid, uid, gid]
  Napi::Value peer(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    auto peer = task_ ? task_->peer() : Error{EBADF, "getsockopt", {}, {}, {}};
    if (!peer) {
      throw_error(env, peer.error());
      return env.Undefined();
    }
    auto result = Napi::Array::New(env, 3);
    result.Set(uint32_t{0}, Napi::Number::New(env, peer.value().pid));
    result.Set(uint32_t{1}, Napi::Number::New(env, peer.value().uid));
    result.Set(uint32_t{2}, Napi::Number::New(env, peer.value().gid));
    return result;
  }

  void close(const Napi::CallbackInfo& info) {
    if (task_) task_->stop(info.Env());
    task_.reset();
  }

  std::shared_ptr<ChannelTask> task_;
};

Napi::Value pair(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto ends = sys::create_seqpacket_pair();
  if (!ends) {
    throw_error(env, ends.error());
    return env.Undefined();
  }
  auto result = Napi::Array::New(env, 2);
  result.Set(uint32_t{0}, FileDescriptor::create(env, std::move(ends.value().first)));
  result.Set(uint32_t{1}, FileDescriptor::create(env, std::move(ends.value().second)));
  return result;
}

// (socket, maxMessageBytes, onMessage, onClose)
Napi::Value open(const Napi::CallbackInfo& info) {
  if (!takes(info, "Dnff")) return {};
  Napi::Env env = info.Env();
  UniqueFd socket = take_fd(env, info[0]);
  if (!socket) return env.Undefined();
  auto connection = Connection::open(std::move(socket), info[1].As<Napi::Number>().Uint32Value());
  if (!connection) {
    throw_error(env, connection.error());
    return env.Undefined();
  }
  AddonData& data = AddonData::of(env);
  Napi::Object object;
  auto* channel = make_object<Channel>(env, ClassId::kChannel, object);
  if (channel == nullptr) return env.Undefined();
  auto task = std::make_shared<ChannelTask>(data.loop, std::move(connection).value(), info[2].As<Napi::Function>(),
                                            info[3].As<Napi::Function>());
  if (auto started = task->start(env, object); !started) {
    throw_error(env, started.error());
    return env.Undefined();
  }
  channel->attach(std::move(task));
  return object;
}

// (path)
Napi::Value connect(const Napi::CallbackInfo& info) {
  if (!takes(info, "s")) return {};
  auto socket = channel::connect(to_string(info[0]));
  if (socket) return FileDescriptor::create(info.Env(), std::move(socket).value());
  throw_error(info.Env(), socket.error());
  return info.Env().Undefined();
}

}  // namespace

void init_channel(Napi::Env env, Napi::Object exports) {
  Channel::define(env);
  define_channel_listener(env);
  Napi::Object module = Napi::Object::New(env);
  module.Set("pair", Napi::Function::New<pair>(env, "pair"));
  module.Set("open", Napi::Function::New<open>(env, "open"));
  module.Set("listen", Napi::Function::New<listen_channel>(env, "listen"));
  module.Set("connect", Napi::Function::New<connect>(env, "connect"));
  exports.Set("channel", module);
}

}  // namespace talos::bind
