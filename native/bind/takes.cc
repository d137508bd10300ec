#include "bind/takes.h"

#include "bind/error.h"
#include "bind/fd.h"

namespace talos::bind {

namespace {

bool is_array_of(const Napi::Value& value, napi_typedarray_type type) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
}

bool has_type(const Napi::Value& value, char type) {
  switch (type) {
    case 's':
      return value.IsString();
    case 'n':
      return value.IsNumber();
    case 'b':
      return value.IsBoolean();
    case 'o':
      return value.IsObject();
    case 'a':
      return value.IsArray();
    case 'f':
      return value.IsFunction();
    case 'u':
      return is_array_of(value, napi_uint8_array);
    case 'p':
      return value.IsString() || is_array_of(value, napi_uint8_array);
    case 'd':
      return is_array_of(value, napi_float64_array);
    case 't':
      return value.IsString() || FileDescriptor::unwrap(value) != nullptr;
    case 'D':
      return FileDescriptor::unwrap(value) != nullptr;
    default:
      return true;
  }
}

}  // namespace

bool takes(const Napi::CallbackInfo& info, const char* types) {
  size_t position = 0;
  for (const char* type = types; *type != '\0'; ++type, ++position) {
    const bool is_optional = *type == '?';
    if (is_optional) ++type;
    if ((is_optional && info[position].IsUndefined()) || has_type(info[position], *type)) continue;
    throw_invalid_argument(info.Env(), "the addon was called with an argument of the wrong type");
    return false;
  }
  return true;
}

}  // namespace talos::bind
