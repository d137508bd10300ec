// Arrays of strings, both ways. lib/native has checked the types.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

namespace talos::bind {

inline std::string to_string(const Napi::Value& value) { return value.As<Napi::String>().Utf8Value(); }

inline std::vector<std::string> to_strings(const Napi::Value& value) {
  auto array = value.As<Napi::Array>();
  std::vector<std::string> strings;
  strings.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); i++) strings.push_back(to_string(array.Get(i)));
  return strings;
}

inline Napi::Array to_array(Napi::Env env, const std::vector<std::string>& strings) {
  auto array = Napi::Array::New(env, strings.size());
  for (uint32_t i = 0; i < strings.size(); i++) array.Set(i, strings[i]);
  return array;
}

}  // namespace talos::bind
