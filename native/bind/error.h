// A failed system call as JavaScript sees it: Node's own shape, so that util.getSystemErrorName and every handler work on it.
#pragma once

#include <napi.h>

#include "base/result.h"

namespace talos::bind {

// {code: 'EBUSY', errno: -16, syscall, path?, dest?, stage?}, message `EBUSY: text, syscall 'path' -> 'dest' (detail)`.
// `detail` of the core becomes `stage`.
Napi::Error to_js_error(Napi::Env env, const Error& error);

// Leaves the error pending; the caller returns at once.
void throw_error(Napi::Env env, const Error& error);

// The same for what gives nothing when all went well.
void throw_if_failed(Napi::Env env, const Result<void>& result);

// For what lib/native has checked already: a call with wrong arguments is a bug of ours, and still must not crash PID 1.
void throw_invalid_argument(Napi::Env env, const char* message);

}  // namespace talos::bind
