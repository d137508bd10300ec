// Changes of links, addresses, routes, rules and neighbours as calls of a function; and what routers say of name servers.
#pragma once

#include <napi.h>

namespace talos::bind {

// (kinds, bufferBytes, onBatch, onError). A monitor; undefined, with an exception pending, when the socket cannot be opened.
Napi::Value monitor_routes(const Napi::CallbackInfo& info);

// (onBatch, onError). As above.
Napi::Value monitor_name_servers(const Napi::CallbackInfo& info);

}  // namespace talos::bind
