#include "bind/error.h"

#include <cstring>

namespace talos::bind {

namespace {

std::string message_of(const Error& error, const char* code) {
  std::string message = code;
  const char* text = strerrordesc_np(error.errno_value);
  message += ": ";
  message += text != nullptr ? text : "unknown error";
  message += ", ";
  message += error.syscall;
  if (!error.path.empty()) message += " '" + error.path + "'";
  if (!error.dest.empty()) message += " -> '" + error.dest + "'";
  if (!error.detail.empty()) message += " (" + error.detail + ")";
  return message;
}

// As util.getSystemErrorName says it.
const char* code_of(int errno_value) {
  if (errno_value == ENOTSUP) return "ENOTSUP";  // Linux has one number for it and EOPNOTSUPP
  const char* name = strerrorname_np(errno_value);
  return name != nullptr ? name : "UNKNOWN";
}

}  // namespace

Napi::Error to_js_error(Napi::Env env, const Error& error) {
  const char* code = code_of(error.errno_value);
  Napi::Error js_error = Napi::Error::New(env, message_of(error, code));
  Napi::Object object = js_error.Value();
  object.Set("code", code);
  object.Set("errno", -error.errno_value);
  object.Set("syscall", error.syscall);
  if (!error.path.empty()) object.Set("path", error.path);
  if (!error.dest.empty()) object.Set("dest", error.dest);
  if (!error.detail.empty()) object.Set("stage", error.detail);
  return js_error;
}

void throw_error(Napi::Env env, const Error& error) {
  // The first one counts: it is the reason for the others, and node-addon-api ends the process when one is thrown over another.
  if (env.IsExceptionPending()) return;
  to_js_error(env, error).ThrowAsJavaScriptException();
}

void throw_if_failed(Napi::Env env, const Result<void>& result) {
  if (!result) throw_error(env, result.error());
}

void throw_invalid_argument(Napi::Env env, const char* message) {
  if (env.IsExceptionPending()) return;
  Napi::TypeError error = Napi::TypeError::New(env, message);
  error.Value().Set("code", "ERR_INVALID_ARG_TYPE");
  error.ThrowAsJavaScriptException();
}

}  // namespace talos::bind
