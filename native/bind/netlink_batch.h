// A batch of records as JavaScript gets it.
#pragma once

#include <napi.h>

#include <cstring>

#include "netlink/batch.h"

namespace talos::bind {

// Copies of the two blocks: {numbers: Float64Array, text: Buffer}. Empty when no JavaScript can run any more, because its thread
// is being terminated.
inline Napi::Object to_js_batch(Napi::Env env, const netlink::Batch& batch) {
  size_t size = batch.numbers().size() * sizeof(double);
  auto memory = Napi::ArrayBuffer::New(env, size);
  if (memory.IsEmpty() || env.IsExceptionPending()) return {};
  if (size > 0) std::memcpy(memory.Data(), batch.numbers().data(), size);
  auto numbers = Napi::Float64Array::New(env, batch.numbers().size(), memory, 0);
  auto text = Napi::Buffer<char>::Copy(env, batch.texts().data(), batch.texts().size());
  if (numbers.IsEmpty() || text.IsEmpty() || env.IsExceptionPending()) return {};
  Napi::Object object = Napi::Object::New(env);
  object.Set("numbers", numbers);
  object.Set("text", text);
  return object;
}

}  // namespace talos::bind
