// NetlinkModule of the contract, in the raw shape of lib/native/netlink.ts.
#include <napi.h>

#include "bind/error.h"
#include "bind/modules.h"
#include "bind/strings.h"
#include "bind/uevent_monitor.h"
#include "netlink/route.h"

namespace talos::bind {

namespace {

uint32_t to_index(const Napi::Value& value) { return value.As<Napi::Number>().Uint32Value(); }

void throw_if_failed(Napi::Env env, const Result<void>& result) {
  if (!result) throw_error(env, result.error());
}

// A machine has a handful of links: objects are made here.
Napi::Value links(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto all = netlink::list_links();
  if (!all) {
    throw_error(env, all.error());
    return env.Undefined();
  }
  auto array = Napi::Array::New(env, all.value().size());
  for (uint32_t i = 0; i < all.value().size(); i++) {
    const netlink::Link& link = all.value()[i];
    Napi::Object object = Napi::Object::New(env);
    object.Set("index", link.index);
    object.Set("name", link.name);
    object.Set("type", static_cast<uint32_t>(link.type));
    object.Set("mac", link.mac);
    object.Set("mtu", link.mtu);
    object.Set("isUp", link.is_up);
    object.Set("hasCarrier", link.has_carrier);
    array.Set(i, object);
  }
  return array;
}

void set_link_up(const Napi::CallbackInfo& info) { throw_if_failed(info.Env(), netlink::set_link_up(to_index(info[0]))); }

void add_address(const Napi::CallbackInfo& info) {
  throw_if_failed(info.Env(), netlink::add_address(to_index(info[0]), to_string(info[1])));
}

// (destination, gateway, index)
void add_route(const Napi::CallbackInfo& info) {
  throw_if_failed(info.Env(), netlink::add_route(to_string(info[0]), to_string(info[1]), to_index(info[2])));
}

}  // namespace

void init_netlink(Napi::Env env, Napi::Object exports) {
  define_uevent_monitor(env);
  Napi::Object module = Napi::Object::New(env);
  module.Set("links", Napi::Function::New<links>(env, "links"));
  module.Set("setLinkUp", Napi::Function::New<set_link_up>(env, "setLinkUp"));
  module.Set("addAddress", Napi::Function::New<add_address>(env, "addAddress"));
  module.Set("addRoute", Napi::Function::New<add_route>(env, "addRoute"));
  module.Set("monitorUevents", Napi::Function::New<monitor_uevents>(env, "monitorUevents"));
  exports.Set("netlink", module);
}

}  // namespace talos::bind
