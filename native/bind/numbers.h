// Typed arrays of numbers.
#pragma once

#include <napi.h>

namespace talos::bind {

// One of `count` numbers, written by `fill(Number*)`. An empty Value when no JavaScript can run any more: its thread may be
// terminated at any moment, also during a call of ours, and an array that is made then has no memory.
template <typename Number, typename Fill>
Napi::Value make_numbers(Napi::Env env, size_t count, Fill fill) {
  auto array = Napi::TypedArrayOf<Number>::New(env, count);
  if (array.IsEmpty() || (array.Data() == nullptr && count > 0)) return {};
  if (count > 0) fill(array.Data());
  return array;
}

}  // namespace talos::bind
