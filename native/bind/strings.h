// Arrays of strings, both ways. lib/native has checked the types; what is no string all the same leaves a TypeError pending and
// counts as empty, since node-addon-api ends the process when it reads on behind a failure.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "bind/error.h"

namespace talos::bind {

// For parts of objects and arrays: an empty Value is what a getter that throws leaves.
inline bool is_wrong(const Napi::Value& value, bool has_type) {
  if (!value.IsEmpty() && !has_type && !value.Env().IsExceptionPending()) {
    throw_invalid_argument(value.Env(), "the addon was given a value of the wrong type");
  }
  return value.IsEmpty() || !has_type;
}

inline std::string to_string(const Napi::Value& value) {
  return is_wrong(value, value.IsString()) ? std::string() : value.As<Napi::String>().Utf8Value();
}

inline int64_t to_integer(const Napi::Value& value) {
  return is_wrong(value, value.IsNumber()) ? 0 : value.As<Napi::Number>().Int64Value();
}

inline bool to_bool(const Napi::Value& value) { return !is_wrong(value, value.IsBoolean()) && value.As<Napi::Boolean>().Value(); }

inline std::vector<Napi::Value> to_elements(const Napi::Value& value) {
  std::vector<Napi::Value> elements;
  if (is_wrong(value, value.IsArray())) return elements;
  auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) elements.push_back(array.Get(i));
  return elements;
}

inline std::vector<std::string> to_strings(const Napi::Value& value) {
  std::vector<std::string> strings;
  for (const Napi::Value& each : to_elements(value)) strings.push_back(to_string(each));
  return strings;
}

inline Napi::Array to_array(Napi::Env env, const std::vector<std::string>& strings) {
  auto array = Napi::Array::New(env, strings.size());
  for (uint32_t i = 0; i < strings.size(); i++) array.Set(i, strings[i]);
  return array;
}

}  // namespace talos::bind
