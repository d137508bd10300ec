// UeventMonitor of the contract: the kernel's uevents as calls of a function.
#pragma once

#include <napi.h>

namespace talos::bind {

void define_uevent_monitor(Napi::Env env);

// (onUevent, onOverrun). Undefined, with an exception pending, when the socket cannot be opened.
Napi::Value monitor_uevents(const Napi::CallbackInfo& info);

}  // namespace talos::bind
