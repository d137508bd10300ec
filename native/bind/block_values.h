// What the cores of native/block answer, in the shapes of lib/native/contract/block.ts; and what their calls have in common.
#pragma once

#include <napi.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bind/deadline.h"
#include "bind/strings.h"
#include "bind/takes.h"
#include "block/gpt_disk.h"
#include "block/grow.h"
#include "block/inspect.h"
#include "block/verity.h"

namespace talos::bind {

Napi::Value to_js(Napi::Env env, const sys::DeviceGeometry& geometry);
Napi::Value to_js(Napi::Env env, const std::vector<block::Signature>& signatures);
Napi::Value to_js(Napi::Env env, const block::Inspection& inspection);
Napi::Value to_js(Napi::Env env, const block::GptState& state);
Napi::Value to_js(Napi::Env env, const block::PartitionSync& sync);
Napi::Value to_js(Napi::Env env, const block::VerityStatus& status);
Napi::Value to_js(Napi::Env env, const block::Growth& growth);

// What an ETIMEDOUT names.
inline Error about_device(const char* call, std::string device) {
  return Error{0, call, std::move(device), {}, "the device did not answer in time; the kernel may still be at it"};
}

template <typename T, typename Work>
Napi::Value promise_of(const Napi::Value& timeout, Error limit, Work work) {
  return run_with_deadline<T>(timeout, std::move(limit), std::move(work),
                              [](Napi::Env env, T value) { return to_js(env, value); });
}

// (path, timeout): what most calls are.
template <typename T, Result<T> (*Call)(const std::string&)>
Napi::Value call_with_path(const Napi::CallbackInfo& info, const char* call) {
  if (!takes(info, "s?n")) return {};
  std::string path = to_string(info[0]);
  return promise_of<T>(info[1], about_device(call, path), [path] { return Call(path); });
}

// A device by its path, or by a FileDescriptor (of which it has a copy, as share_fd has). Nothing, with an exception pending, for
// one that is closed.
std::optional<block::DeviceTarget> to_target(const Napi::Value& value);

// (path or descriptor, timeout)
template <typename T, Result<T> (*Call)(block::DeviceTarget)>
Napi::Value call_with_target(const Napi::CallbackInfo& info, const char* call) {
  if (!takes(info, "t?n")) return {};
  auto target = to_target(info[0]);
  if (!target) return {};
  Error limit = about_device(call, target->path);
  return promise_of<T>(info[1], std::move(limit), [target = std::move(*target)]() mutable { return Call(std::move(target)); });
}

// The members of `block` that are defined in files of their own.
void add_gpt_calls(Napi::Env env, Napi::Object module);
void add_verity_calls(Napi::Env env, Napi::Object module);

}  // namespace talos::bind
