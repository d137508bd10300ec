// A Node-API addon for tests of system call filters: call(number, argument…) makes any system call. Arguments are bigints, or
// buffers, whose address is passed. Gives the result as a number, or -errno.
#include <errno.h>
#include <node_api.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

namespace {

constexpr size_t kMaxArguments = 7;

// 0 for what is neither.
long to_register(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  int64_t number = 0;
  bool lossless = false;
  if (type == napi_bigint && napi_get_value_bigint_int64(env, value, &number, &lossless) == napi_ok) return number;
  void* data = nullptr;
  size_t length = 0;
  if (napi_get_buffer_info(env, value, &data, &length) == napi_ok) return reinterpret_cast<long>(data);
  return 0;
}

napi_value call(napi_env env, napi_callback_info info) {
  size_t count = kMaxArguments;
  napi_value values[kMaxArguments] = {};
  napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  long registers[kMaxArguments] = {};
  for (size_t at = 0; at < count && at < kMaxArguments; ++at) registers[at] = to_register(env, values[at]);
  const long result = syscall(registers[0], registers[1], registers[2], registers[3], registers[4], registers[5], registers[6]);
  napi_value answer = nullptr;
  napi_create_int64(env, result == -1 ? -errno : result, &answer);
  return answer;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function = nullptr;
  if (napi_create_function(env, "call", NAPI_AUTO_LENGTH, call, nullptr, &function) != napi_ok) return nullptr;
  napi_set_named_property(env, exports, "call", function);
  return exports;
}
