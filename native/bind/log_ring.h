// LogRing of the contract: the writer's side, in PID 1.
#pragma once

#include <napi.h>

namespace talos::bind {

void define_log_ring(Napi::Env env);

// (name, sizeBytes). Undefined, with an exception pending, on failure.
Napi::Value create_log_ring(const Napi::CallbackInfo& info);

}  // namespace talos::bind
