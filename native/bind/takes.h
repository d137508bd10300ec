// What a binding may count on before it looks at its arguments.
#pragma once

#include <napi.h>

namespace talos::bind {

// Whether the arguments have these types, one letter each: s string, n number, b boolean, o object, a array, f function,
// u Uint8Array, p a path (string or Uint8Array), d Float64Array, D FileDescriptor, t string or FileDescriptor, . anything. An
// upper-case letter and a lower-case one are different; `?` in front of a letter also lets undefined pass. False with a TypeError
// pending: return at once.
//
// lib/native has checked what people pass, and says what was wrong with it. This is the second line: node-addon-api ends the
// process when a value is read out of another one that is not what it is taken for.
bool takes(const Napi::CallbackInfo& info, const char* types);

}  // namespace talos::bind
