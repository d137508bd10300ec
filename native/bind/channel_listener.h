// A listening socket of the channel module: what waits to be accepted.
#pragma once

#include <napi.h>

namespace talos::bind {

// The class that JavaScript sees.
void define_channel_listener(Napi::Env env);

// (path). An object; undefined, with an exception pending, when nobody can listen there.
Napi::Value listen_channel(const Napi::CallbackInfo& info);

}  // namespace talos::bind
