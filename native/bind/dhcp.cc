// DhcpModule of the contract, in the raw shape of lib/native/dhcp.ts.
#include <napi.h>

#include <optional>

#include "bind/addon_data.h"
#include "bind/error.h"
#include "bind/modules.h"
#include "bind/strings.h"
#include "bind/takes.h"
#include "bind/watch.h"
#include "dhcp/socket.h"
#include "sys/packet_calls.h"

namespace talos::bind {

namespace {

using dhcp::Bytes;
using dhcp::Ipv4;

// Addresses cross as numbers in host order; lib/native makes text of them. A server's message is a handful of fields and comes
// once in a lease, so an object is made of it here.
Napi::Array to_numbers(Napi::Env env, const std::vector<Ipv4>& addresses) {
  auto array = Napi::Array::New(env, addresses.size());
  for (uint32_t i = 0; i < addresses.size(); i++) array.Set(i, addresses[i]);
  return array;
}

Napi::Object to_object(Napi::Env env, const dhcp::ServerMessage& message) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("type", static_cast<uint32_t>(message.type));
  object.Set("xid", message.xid);
  object.Set("yourAddress", message.your_address);
  object.Set("serverId", message.server_id);
  object.Set("leaseSeconds", message.lease_seconds);
  object.Set("renewalSeconds", message.renewal_seconds);
  object.Set("rebindingSeconds", message.rebinding_seconds);
  if (message.prefix_length) object.Set("prefixLength", static_cast<uint32_t>(*message.prefix_length));
  object.Set("routers", to_numbers(env, message.routers));
  if (message.routes) {
    // destination, length of the prefix, gateway; of each route in turn.
    std::vector<uint32_t> fields;
    for (const dhcp::Route& route : *message.routes) {
      fields.insert(fields.end(), {route.destination, route.prefix_length, route.gateway});
    }
    object.Set("routes", to_numbers(env, fields));
  }
  object.Set("dnsServers", to_numbers(env, message.dns_servers));
  object.Set("ntpServers", to_numbers(env, message.ntp_servers));
  object.Set("searchDomains", to_array(env, message.search_domains));
  object.Set("domain", message.domain);
  if (message.mtu) object.Set("mtu", static_cast<uint32_t>(*message.mtu));
  object.Set("hostname", message.hostname);
  object.Set("text", message.text);
  return object;
}

Bytes to_bytes(const Napi::Value& value) {
  const bool is_bytes = value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
  if (is_wrong(value, is_bytes)) return {};
  auto array = value.As<Napi::Uint8Array>();
  return Bytes(array.Data(), array.ByteLength());
}

dhcp::Mac to_mac(const Napi::Value& value) {
  dhcp::Mac mac{};
  Bytes bytes = to_bytes(value);
  std::copy_n(bytes.begin(), std::min(bytes.size(), mac.size()), mac.begin());
  return mac;
}

std::optional<Ipv4> to_optional_address(const Napi::Value& value) {
  if (!value.IsNumber()) return std::nullopt;
  return value.As<Napi::Number>().Uint32Value();
}

dhcp::ClientMessage to_message(const Napi::Value& value) {
  auto object = value.As<Napi::Object>();
  auto number = [&](const char* name) { return static_cast<uint32_t>(to_integer(object.Get(name))); };
  dhcp::ClientMessage message;
  message.type = static_cast<dhcp::MessageType>(number("type"));
  message.xid = number("xid");
  message.seconds = static_cast<uint16_t>(number("seconds"));
  message.mac = to_mac(object.Get("mac"));
  message.client_address = number("clientAddress");
  message.requested_address = to_optional_address(object.Get("requestedAddress"));
  message.server_id = to_optional_address(object.Get("serverId"));
  message.hostname = to_string(object.Get("hostname"));
  message.max_message_bytes = static_cast<uint16_t>(number("maxMessageBytes"));
  return message;
}

Napi::Value encode(const Napi::CallbackInfo& info) {
  if (!takes(info, "o")) return {};
  const dhcp::ClientMessage message = to_message(info[0]);
  if (info.Env().IsExceptionPending()) return {};
  auto bytes = dhcp::encode(message);
  return Napi::Buffer<uint8_t>::Copy(info.Env(), bytes.data(), bytes.size());
}

// (payload, mac)
Napi::Value decode(const Napi::CallbackInfo& info) {
  if (!takes(info, "uu")) return {};
  auto message = dhcp::decode(to_bytes(info[0]), to_mac(info[1]));
  if (message) return to_object(info.Env(), message.value());
  throw_error(info.Env(), message.error());
  return info.Env().Undefined();
}

Napi::Value random(const Napi::CallbackInfo& info) {
  auto value = sys::random_u32();
  if (value) return Napi::Number::New(info.Env(), value.value());
  throw_error(info.Env(), value.error());
  return info.Env().Undefined();
}

class DhcpSocket : public Napi::ObjectWrap<DhcpSocket> {
 public:
  static void define(Napi::Env env) {
    Napi::Function constructor =
        DefineClass(env, "DhcpSocket",
                    {InstanceMethod<&DhcpSocket::broadcast>("broadcast"), InstanceMethod<&DhcpSocket::unicast>("unicast"),
                     InstanceMethod<&DhcpSocket::receive>("receive"), InstanceMethod<&DhcpSocket::wait>("wait"),
                     InstanceMethod<&DhcpSocket::close>("close")});
    AddonData::of(env).constructor(ClassId::kDhcpSocket) = Napi::Persistent(constructor);
  }

  static Napi::Value create(Napi::Env env, dhcp::DhcpSocket socket) {
    Napi::Object object;
    if (auto* made = make_object<DhcpSocket>(env, ClassId::kDhcpSocket, object)) made->socket_.emplace(std::move(socket));
    return object;
  }

  explicit DhcpSocket(const Napi::CallbackInfo& info) : Napi::ObjectWrap<DhcpSocket>(info) {}

 private:
  // Of one call: a flood must not keep everything else waiting.
  static constexpr int kBatch = 32;
  static Error closed() { return Error{ECANCELED, "dhcp", {}, {}, "the socket is closed"}; }

  // (message, source)
  void broadcast(const Napi::CallbackInfo& info) {
    if (!takes(info, "on")) return;
    const dhcp::ClientMessage message = to_message(info[0]);
    if (info.Env().IsExceptionPending()) return;
    auto sent = socket_ ? socket_->broadcast(message, info[1].As<Napi::Number>().Uint32Value()) : closed();
    if (!sent) throw_error(info.Env(), sent.error());
  }

  // (message, source, destination)
  void unicast(const Napi::CallbackInfo& info) {
    if (!takes(info, "onn")) return;
    auto number = [&](size_t i) { return info[i].As<Napi::Number>().Uint32Value(); };
    const dhcp::ClientMessage message = to_message(info[0]);
    if (info.Env().IsExceptionPending()) return;
    auto sent = socket_ ? socket_->unicast(message, number(1), number(2)) : closed();
    if (!sent) throw_error(info.Env(), sent.error());
  }

  // {messages, rejected}
  Napi::Value receive(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    auto messages = Napi::Array::New(env);
    auto rejected = Napi::Array::New(env);
    for (int count = 0; count < kBatch; count++) {
      Result<dhcp::Outcome> outcome = socket_ ? socket_->receive() : closed();
      if (!outcome) {
        throw_error(env, outcome.error());
        return env.Undefined();
      }
      if (auto* message = std::get_if<dhcp::ServerMessage>(&outcome.value())) {
        messages.Set(messages.Length(), to_object(env, *message));
      } else if (auto* reason = std::get_if<dhcp::Rejected>(&outcome.value())) {
        rejected.Set(rejected.Length(), reason->why);
      } else {
        break;
      }
    }
    Napi::Object batch = Napi::Object::New(env);
    batch.Set("messages", messages);
    batch.Set("rejected", rejected);
    return batch;
  }

  Napi::Value wait(const Napi::CallbackInfo& info) {
    if (socket_) return watch_.wait(Value(), socket_->fd());
    auto deferred = Napi::Promise::Deferred::New(info.Env());
    deferred.Reject(to_js_error(info.Env(), closed()).Value());
    return deferred.Promise();
  }

  void close(const Napi::CallbackInfo& info) {
    watch_.close(info.Env());
    socket_.reset();
  }

  // The watch goes first: it must not wait for a descriptor that is closed.
  std::optional<dhcp::DhcpSocket> socket_;
  Watch watch_;
};

// (interface index, mac)
Napi::Value open_socket(const Napi::CallbackInfo& info) {
  if (!takes(info, "nu")) return {};
  auto socket = dhcp::DhcpSocket::open(info[0].As<Napi::Number>().Uint32Value(), to_mac(info[1]));
  if (socket) return DhcpSocket::create(info.Env(), std::move(socket).value());
  throw_error(info.Env(), socket.error());
  return info.Env().Undefined();
}

}  // namespace

void init_dhcp(Napi::Env env, Napi::Object exports) {
  DhcpSocket::define(env);
  Napi::Object module = Napi::Object::New(env);
  module.Set("encode", Napi::Function::New<encode>(env, "encode"));
  module.Set("decode", Napi::Function::New<decode>(env, "decode"));
  module.Set("random", Napi::Function::New<random>(env, "random"));
  module.Set("open", Napi::Function::New<open_socket>(env, "open"));
  exports.Set("dhcp", module);
}

}  // namespace talos::bind
