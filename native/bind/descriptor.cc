// DescriptorModule of the contract.
#include <napi.h>

#include "bind/error.h"
#include "bind/fd.h"
#include "bind/modules.h"
#include "bind/takes.h"
#include "sys/descriptor_calls.h"

namespace talos::bind {

namespace {

Napi::Value wrap(Napi::Env env, Result<UniqueFd> fd) {
  if (!fd) {
    throw_error(env, fd.error());
    return env.Undefined();
  }
  return FileDescriptor::create(env, std::move(fd).value());
}

Napi::Value adopt(const Napi::CallbackInfo& info) {
  if (!takes(info, "n")) return {};
  return wrap(info.Env(), sys::adopt_descriptor(info[0].As<Napi::Number>().Int32Value()));
}

Napi::Value wrap_pair(Napi::Env env, Result<std::pair<UniqueFd, UniqueFd>> ends) {
  if (!ends) {
    throw_error(env, ends.error());
    return env.Undefined();
  }
  Napi::Array array = Napi::Array::New(env, 2);
  array.Set(uint32_t{0}, FileDescriptor::create(env, std::move(ends.value().first)));
  array.Set(uint32_t{1}, FileDescriptor::create(env, std::move(ends.value().second)));
  return array;
}

Napi::Value make_pipe(const Napi::CallbackInfo& info) { return wrap_pair(info.Env(), sys::create_pipe()); }
Napi::Value make_stream_pair(const Napi::CallbackInfo& info) { return wrap_pair(info.Env(), sys::create_stream_pair()); }

Napi::Value bind_tcp(const Napi::CallbackInfo& info) {
  if (!takes(info, "nn")) return {};
  auto port = static_cast<uint16_t>(info[0].As<Napi::Number>().Uint32Value());
  return wrap(info.Env(), sys::bind_tcp(port, info[1].As<Napi::Number>().Int32Value()));
}

Napi::Value open_path(const Napi::CallbackInfo& info) {
  if (!takes(info, "ss")) return {};
  return wrap(info.Env(), sys::open_path(info[0].As<Napi::String>().Utf8Value(), info[1].As<Napi::String>().Utf8Value()));
}

Napi::Value duplicate(const Napi::CallbackInfo& info) {
  if (!takes(info, "D")) return {};
  int fd = borrow_fd(info.Env(), info[0]);
  return fd == -1 ? info.Env().Undefined() : wrap(info.Env(), sys::duplicate_descriptor(fd));
}

}  // namespace

void init_descriptor(Napi::Env env, Napi::Object exports) {
  Napi::Object module = Napi::Object::New(env);
  module.Set("adopt", Napi::Function::New<adopt>(env, "adopt"));
  module.Set("pipe", Napi::Function::New<make_pipe>(env, "pipe"));
  module.Set("streamPair", Napi::Function::New<make_stream_pair>(env, "streamPair"));
  module.Set("bindTcp", Napi::Function::New<bind_tcp>(env, "bindTcp"));
  module.Set("open", Napi::Function::New<open_path>(env, "open"));
  module.Set("duplicate", Napi::Function::New<duplicate>(env, "duplicate"));
  exports.Set("descriptor", module);
}

}  // namespace talos::bind
