// What groups tell by themselves: counters that have changed, and pressure.
#pragma once

#include <napi.h>

namespace talos::bind {

// (group, file, callback): `callback(values)` with the counters now and after each change; `callback(undefined)` when the group
// is gone, `callback(undefined, error)` when they cannot be read; both are the last call.
Napi::Value watch_cgroup_events(const Napi::CallbackInfo& info);

// (group, resource, isFull, stallUsec, windowUsec, callback)
Napi::Value watch_cgroup_pressure(const Napi::CallbackInfo& info);

}  // namespace talos::bind
