// BlockModule of the contract, in the raw shape of lib/native/block.ts. Everything sleeps on a device: all of it runs on threads
// of its own, and the timeout comes last in every call.
#include "bind/block_values.h"
#include "bind/fd.h"
#include "bind/modules.h"

namespace talos::bind {

namespace {

Napi::Value info_of(const Napi::CallbackInfo& info) {
  return call_with_target<sys::DeviceGeometry, block::device_info>(info, "open");
}

Napi::Value inspect(const Napi::CallbackInfo& info) {
  return call_with_target<block::Inspection, block::inspect_device>(info, "pread");
}

Napi::Value wipe_signatures(const Napi::CallbackInfo& info) {
  return call_with_target<std::vector<block::Signature>, block::wipe_signatures>(info, "pwrite");
}

// (path, timeout)
Napi::Value open_exclusively(const Napi::CallbackInfo& info) {
  if (!takes(info, "s?n")) return {};
  std::string path = to_string(info[0]);
  return run_with_deadline<UniqueFd>(
      info[1], about_device("open", path), [path] { return block::open_exclusively(path); },
      [](Napi::Env env, UniqueFd fd) { return FileDescriptor::create(env, std::move(fd)); });
}

// (path or descriptor, kind, offset, length, timeout)
Napi::Value erase(const Napi::CallbackInfo& info) {
  if (!takes(info, "tsnn?n")) return {};
  auto target = to_target(info[0]);
  if (!target) return {};
  std::string word = to_string(info[1]);
  auto kind = word == "zero"     ? sys::EraseKind::kZero
              : word == "secure" ? sys::EraseKind::kSecureDiscard
                                 : sys::EraseKind::kDiscard;
  auto offset = static_cast<uint64_t>(info[2].As<Napi::Number>().Int64Value());
  auto length = static_cast<uint64_t>(info[3].As<Napi::Number>().Int64Value());
  Error limit = about_device("ioctl", target->path);
  auto work = [target = std::move(*target), kind, offset, length]() mutable {
    return block::erase(std::move(target), kind, offset, length);
  };
  return run_with_deadline_void(info[4], std::move(limit), std::move(work));
}

// (path or descriptor, timeout)
Napi::Value flush(const Napi::CallbackInfo& info) {
  if (!takes(info, "t?n")) return {};
  auto target = to_target(info[0]);
  if (!target) return {};
  Error limit = about_device("fsync", target->path);
  auto work = [target = std::move(*target)]() mutable { return block::flush(std::move(target)); };
  return run_with_deadline_void(info[1], std::move(limit), std::move(work));
}

// (folder, timeout)
Napi::Value grow_ext4(const Napi::CallbackInfo& info) {
  if (!takes(info, "D?n")) return {};
  UniqueFd folder = share_fd(info.Env(), info[0]);
  if (!folder) return info.Env().Undefined();
  auto work = [folder = std::move(folder)] { return block::grow_ext4(folder.get()); };
  return promise_of<block::Growth>(info[1], about_device("ioctl", {}), std::move(work));
}

}  // namespace

void init_block(Napi::Env env, Napi::Object exports) {
  Napi::Object module = Napi::Object::New(env);
  module.Set("info", Napi::Function::New<info_of>(env, "info"));
  module.Set("openExclusively", Napi::Function::New<open_exclusively>(env, "openExclusively"));
  module.Set("inspect", Napi::Function::New<inspect>(env, "inspect"));
  module.Set("wipeSignatures", Napi::Function::New<wipe_signatures>(env, "wipeSignatures"));
  module.Set("erase", Napi::Function::New<erase>(env, "erase"));
  module.Set("flush", Napi::Function::New<flush>(env, "flush"));
  module.Set("growExt4", Napi::Function::New<grow_ext4>(env, "growExt4"));
  add_gpt_calls(env, module);
  add_verity_calls(env, module);
  exports.Set("block", module);
}

}  // namespace talos::bind
