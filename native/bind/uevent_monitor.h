// The kernel's uevents as calls of a function.
#pragma once

#include <napi.h>

namespace talos::bind {

// (onUevent, onOverrun, bufferBytes). A monitor; undefined, with an exception pending, when the socket cannot be opened.
Napi::Value monitor_uevents(const Napi::CallbackInfo& info);

}  // namespace talos::bind
