// MountModule of the contract, in the raw shape of lib/native/mount.ts.
#include "mount/mount.h"

#include <napi.h>

#include "bind/async.h"
#include "bind/error.h"
#include "bind/modules.h"
#include "bind/strings.h"
#include "mount/mountinfo.h"

namespace talos::bind {

namespace {

// (source, target, fstype, flags, data)
mount::MountRequest to_request(const Napi::CallbackInfo& info) {
  return {to_string(info[0]), to_string(info[1]), to_string(info[2]), to_strings(info[3]), to_string(info[4])};
}

Napi::Value mount_async(const Napi::CallbackInfo& info) {
  return run_async_void(info.Env(), [request = to_request(info)] { return mount::mount(request); });
}

void mount_sync(const Napi::CallbackInfo& info) {
  if (auto mounted = mount::mount(to_request(info)); !mounted) throw_error(info.Env(), mounted.error());
}

Napi::Value unmount_async(const Napi::CallbackInfo& info) {
  return run_async_void(info.Env(),
                        [target = to_string(info[0]), flags = to_strings(info[1])] { return mount::unmount(target, flags); });
}

// One flat array: a call into the engine for each string, but none for objects and their properties.
Napi::Value mount_info(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto table = mount::read_mount_info();
  if (!table) {
    throw_error(env, table.error());
    return env.Undefined();
  }
  std::vector<std::string> fields;
  fields.reserve(table.value().size() * 10);
  for (mount::MountEntry& entry : table.value()) {
    fields.push_back(std::to_string(entry.id));
    fields.push_back(std::to_string(entry.parent_id));
    for (std::string* field : {&entry.device, &entry.root, &entry.mount_point, &entry.options, &entry.propagation, &entry.fstype,
                               &entry.source, &entry.super_options}) {
      fields.push_back(std::move(*field));
    }
  }
  return to_array(env, fields);
}

}  // namespace

void init_mount(Napi::Env env, Napi::Object exports) {
  Napi::Object module = Napi::Object::New(env);
  module.Set("mount", Napi::Function::New<mount_async>(env, "mount"));
  module.Set("mountSync", Napi::Function::New<mount_sync>(env, "mountSync"));
  module.Set("umount", Napi::Function::New<unmount_async>(env, "umount"));
  module.Set("mountInfo", Napi::Function::New<mount_info>(env, "mountInfo"));
  exports.Set("mount", module);
}

}  // namespace talos::bind
