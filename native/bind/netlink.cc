// NetlinkModule of the contract, in the raw shape of lib/native/netlink.ts.
#include <napi.h>

#include "bind/error.h"
#include "bind/modules.h"
#include "bind/monitor.h"
#include "bind/netlink_batch.h"
#include "bind/netlink_specs.h"
#include "bind/route_monitor.h"
#include "bind/strings.h"
#include "bind/takes.h"
#include "bind/uevent_monitor.h"
#include "netlink/dump.h"
#include "netlink/requests.h"
#include "sys/packet_calls.h"

namespace talos::bind {

namespace {

uint32_t to_u32(const Napi::Value& value) { return value.As<Napi::Number>().Uint32Value(); }
uint8_t to_u8(const Napi::Value& value) { return static_cast<uint8_t>(to_u32(value)); }

// (kind, family, index, master, linkKind, table, protocol, type)
Napi::Value list(const Napi::CallbackInfo& info) {
  if (!takes(info, "nnnnsnnn")) return {};
  Napi::Env env = info.Env();
  netlink::DumpQuery query{.kind = static_cast<netlink::Kind>(to_u32(info[0])),
                           .family = to_u8(info[1]),
                           .index = to_u32(info[2]),
                           .master = to_u32(info[3]),
                           .link_kind = to_string(info[4]),
                           .table = to_u32(info[5]),
                           .protocol = to_u8(info[6]),
                           .type = to_u8(info[7])};
  netlink::Batch batch;
  auto socket = netlink::RouteSocket::open();
  auto done = socket ? netlink::dump(socket.value(), query, batch) : Result<void>(socket.error());
  if (!done) {
    throw_error(env, done.error());
    return env.Undefined();
  }
  return to_js_batch(env, batch);
}

// (index, name)
Napi::Value find_link(const Napi::CallbackInfo& info) {
  if (!takes(info, "ns")) return {};
  Napi::Env env = info.Env();
  netlink::Batch batch;
  if (auto found = netlink::find_link(to_u32(info[0]), to_string(info[1]), batch); !found) {
    throw_error(env, found.error());
    return env.Undefined();
  }
  return to_js_batch(env, batch);
}

Napi::Value add_link(const Napi::CallbackInfo& info) {
  if (!takes(info, "o")) return {};
  Napi::Env env = info.Env();
  const netlink::NewLink link = to_new_link(info[0].As<Napi::Object>());
  if (env.IsExceptionPending()) return {};
  auto added = netlink::add_link(link);
  if (!added) {
    throw_error(env, added.error());
    return env.Undefined();
  }
  return Napi::Number::New(env, added.value());
}

void change_link(const Napi::CallbackInfo& info) {
  if (!takes(info, "no")) return;
  const netlink::LinkChange change = to_link_change(info[1].As<Napi::Object>());
  if (info.Env().IsExceptionPending()) return;
  throw_if_failed(info.Env(), netlink::change_link(to_u32(info[0]), change));
}

void remove_link(const Napi::CallbackInfo& info) {
  if (takes(info, "n")) throw_if_failed(info.Env(), netlink::remove_link(to_u32(info[0])));
}

// (change, spec): one for each kind of object.
template <typename Spec, Result<void> (*apply)(netlink::Change, const Spec&), Spec (*convert)(const Napi::Object&)>
void change(const Napi::CallbackInfo& info) {
  if (!takes(info, "no")) return;
  auto how = static_cast<netlink::Change>(to_u32(info[0]));
  const Spec spec = convert(info[1].As<Napi::Object>());
  if (info.Env().IsExceptionPending()) return;
  throw_if_failed(info.Env(), apply(how, spec));
}

// (index)
void solicit_routers(const Napi::CallbackInfo& info) {
  if (takes(info, "n")) throw_if_failed(info.Env(), sys::solicit_routers(to_u32(info[0])));
}

constexpr auto change_address = change<netlink::InterfaceAddressSpec, netlink::change_address, to_address_spec>;
constexpr auto change_route = change<netlink::RouteSpec, netlink::change_route, to_route_spec>;
constexpr auto change_rule = change<netlink::RuleSpec, netlink::change_rule, to_rule_spec>;
constexpr auto change_neighbour = change<netlink::NeighbourSpec, netlink::change_neighbour, to_neighbour_spec>;

}  // namespace

void init_netlink(Napi::Env env, Napi::Object exports) {
  define_monitor(env);
  Napi::Object module = Napi::Object::New(env);
  module.Set("list", Napi::Function::New<list>(env, "list"));
  module.Set("findLink", Napi::Function::New<find_link>(env, "findLink"));
  module.Set("addLink", Napi::Function::New<add_link>(env, "addLink"));
  module.Set("changeLink", Napi::Function::New<change_link>(env, "changeLink"));
  module.Set("removeLink", Napi::Function::New<remove_link>(env, "removeLink"));
  module.Set("changeAddress", Napi::Function::New<change_address>(env, "changeAddress"));
  module.Set("changeRoute", Napi::Function::New<change_route>(env, "changeRoute"));
  module.Set("changeRule", Napi::Function::New<change_rule>(env, "changeRule"));
  module.Set("changeNeighbour", Napi::Function::New<change_neighbour>(env, "changeNeighbour"));
  module.Set("monitorRoutes", Napi::Function::New<monitor_routes>(env, "monitorRoutes"));
  module.Set("monitorUevents", Napi::Function::New<monitor_uevents>(env, "monitorUevents"));
  module.Set("monitorNameServers", Napi::Function::New<monitor_name_servers>(env, "monitorNameServers"));
  module.Set("solicitRouters", Napi::Function::New<solicit_routers>(env, "solicitRouters"));
  exports.Set("netlink", module);
}

}  // namespace talos::bind
