// Watchdog of PowerModule.
#pragma once

#include <napi.h>

namespace talos::bind {

void define_watchdog(Napi::Env env);

// (path, timeoutSeconds, pretimeoutSeconds, aliveWithinMs, intervalMs)
Napi::Value open_watchdog(const Napi::CallbackInfo& info);

}  // namespace talos::bind
