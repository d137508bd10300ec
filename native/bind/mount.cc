// MountModule of the contract, in the raw shape of lib/native/mount.ts: the timeout comes last in what can block.
#include "mount/mount.h"

#include <napi.h>

#include "bind/deadline.h"
#include "bind/error.h"
#include "bind/fd.h"
#include "bind/modules.h"
#include "bind/numbers.h"
#include "bind/strings.h"
#include "bind/takes.h"
#include "mount/attach.h"
#include "mount/flags.h"
#include "mount/loop.h"
#include "mount/mountinfo.h"
#include "mount/root.h"
#include "sys/mount_api_calls.h"

namespace talos::bind {

namespace {

Error about_mount(const char* call, std::string path, std::string dest = {}) {
  return Error{0, call, std::move(path), std::move(dest), "no answer in time; the kernel may still be at it"};
}

Napi::Value wrap_mount(Napi::Env env, UniqueFd fd) { return FileDescriptor::create(env, std::move(fd)); }

// (source, target, fstype, flags, data)
mount::MountRequest to_request(const Napi::CallbackInfo& info) {
  return {to_string(info[0]), to_string(info[1]), to_string(info[2]), to_strings(info[3]), to_string(info[4])};
}

// (…, timeout)
Napi::Value mount_async(const Napi::CallbackInfo& info) {
  if (!takes(info, "sssas?n")) return {};
  auto request = to_request(info);
  auto limit = about_mount("mount", request.source, request.target);
  return run_with_deadline_void(info[5], std::move(limit), [request = std::move(request)] { return mount::mount(request); });
}

void mount_sync(const Napi::CallbackInfo& info) {
  if (!takes(info, "sssas")) return;
  if (auto mounted = mount::mount(to_request(info)); !mounted) throw_error(info.Env(), mounted.error());
}

// (target, flags, timeout)
Napi::Value unmount_async(const Napi::CallbackInfo& info) {
  if (!takes(info, "sa?n")) return {};
  std::string target = to_string(info[0]);
  auto work = [target, flags = to_strings(info[1])] { return mount::unmount(target, flags); };
  return run_with_deadline_void(info[2], about_mount("umount2", target), std::move(work));
}

// What lives as long as a pending createMount: the descriptors among its parameters.
struct CreateRequest {
  mount::NewMount mount;
  std::vector<UniqueFd> descriptors;
};

// (fstype, source, keys, values: true | string | FileDescriptor, attributes, timeout)
Napi::Value create_mount(const Napi::CallbackInfo& info) {
  if (!takes(info, "ssaaa?n")) return {};
  Napi::Env env = info.Env();
  CreateRequest request;
  request.mount.fstype = to_string(info[0]);
  request.mount.source = to_string(info[1]);
  auto keys = to_strings(info[2]);
  auto values = info[3].As<Napi::Array>();
  for (uint32_t at = 0; at < keys.size(); at++) {
    Napi::Value value = values.Get(at);
    mount::Parameter parameter{.key = keys[at]};
    if (value.IsString()) {
      parameter.value = to_string(value);
    } else if (value.IsObject()) {
      request.descriptors.push_back(share_fd(env, value));
      if (!request.descriptors.back()) return env.Undefined();
      parameter.value = request.descriptors.back().get();
    }
    request.mount.parameters.push_back(std::move(parameter));
  }
  auto attributes = mount::sum_flags(to_strings(info[4]), "fsmount");
  if (!attributes) {
    throw_error(env, attributes.error());
    return env.Undefined();
  }
  request.mount.attributes = attributes.value().attribute_set;
  auto limit = about_mount("fsmount", request.mount.source, request.mount.fstype);
  auto work = [request = std::move(request)] { return mount::create_mount(request.mount); };
  return run_with_deadline<UniqueFd>(info[5], std::move(limit), std::move(work), wrap_mount);
}

// (path, clone, recursive, timeout)
Napi::Value open_tree(const Napi::CallbackInfo& info) {
  if (!takes(info, "sbb?n")) return {};
  std::string path = to_string(info[0]);
  bool clone = info[1].As<Napi::Boolean>().Value();
  bool recursive = info[2].As<Napi::Boolean>().Value();
  auto work = [path, clone, recursive] { return sys::open_tree(path, clone, recursive); };
  return run_with_deadline<UniqueFd>(info[3], about_mount("open_tree", path), std::move(work), wrap_mount);
}

// (mount, target: string | FileDescriptor, timeout)
Napi::Value move_mount(const Napi::CallbackInfo& info) {
  if (!takes(info, "D.?n")) return {};
  Napi::Env env = info.Env();
  UniqueFd from = share_fd(env, info[0]);
  if (!from) return env.Undefined();
  if (info[1].IsString()) {
    std::string target = to_string(info[1]);
    auto work = [from = std::move(from), target] { return sys::attach_mount(from.get(), target); };
    return run_with_deadline_void(info[2], about_mount("move_mount", {}, target), std::move(work));
  }
  UniqueFd target = share_fd(env, info[1]);
  if (!target) return env.Undefined();
  auto work = [from = std::move(from), target = std::move(target)] { return sys::attach_mount_at(from.get(), target.get()); };
  return run_with_deadline_void(info[2], about_mount("move_mount", {}), std::move(work));
}

// (mount, attributes to set, attributes to clear, propagation flags: none or one, recursive)
void set_attributes(const Napi::CallbackInfo& info) {
  if (!takes(info, "Daaab")) return;
  Napi::Env env = info.Env();
  int fd = borrow_fd(env, info[0]);
  if (fd == -1) return;
  auto set = mount::sum_flags(to_strings(info[1]), "mount_setattr");
  auto clear = mount::sum_flags(to_strings(info[2]), "mount_setattr");
  auto propagation = mount::sum_flags(to_strings(info[3]), "mount_setattr");
  for (auto* sum : {&set, &clear, &propagation}) {
    if (*sum) continue;
    throw_error(env, sum->error());
    return;
  }
  const auto& kinds = propagation.value().propagation;
  // Clearing a policy of access times means the kernel's own, and all of them are one field.
  sys::MountChange change{.set = set.value().attribute_set,
                          .clear = set.value().attribute_clear | clear.value().attribute_set | clear.value().attribute_clear,
                          .propagation = kinds.empty() ? 0 : kinds.front(),
                          .recursive = info[4].As<Napi::Boolean>().Value()};
  if (auto changed = sys::change_mount(fd, change); !changed) throw_error(env, changed.error());
}

// (newRoot, kept)
Napi::Value switch_root(const Napi::CallbackInfo& info) {
  if (!takes(info, "sa")) return {};
  auto work = [root = to_string(info[0]), kept = to_strings(info[1])] { return mount::switch_root(root, kept); };
  return run_with_deadline_void(info.Env().Undefined(), {}, std::move(work));
}

// (newRoot, putOld)
Napi::Value pivot_root(const Napi::CallbackInfo& info) {
  if (!takes(info, "ss")) return {};
  auto work = [root = to_string(info[0]), old = to_string(info[1])] { return sys::pivot_root(root, old); };
  return run_with_deadline_void(info.Env().Undefined(), {}, std::move(work));
}

// (file, readOnly, autoclear, offsetBytes, sizeLimitBytes, blockBytes) -> [path, device]
Napi::Value attach_loop(const Napi::CallbackInfo& info) {
  if (!takes(info, "Dbbnnn")) return {};
  UniqueFd file = share_fd(info.Env(), info[0]);
  if (!file) return info.Env().Undefined();
  sys::LoopConfig config{.read_only = info[1].As<Napi::Boolean>().Value(),
                         .autoclear = info[2].As<Napi::Boolean>().Value(),
                         .offset_bytes = static_cast<uint64_t>(info[3].As<Napi::Number>().Int64Value()),
                         .size_limit_bytes = static_cast<uint64_t>(info[4].As<Napi::Number>().Int64Value()),
                         .block_bytes = info[5].As<Napi::Number>().Uint32Value()};
  auto work = [file = std::move(file), config]() mutable {
    config.file = file.get();
    return mount::attach_loop(config);
  };
  return run_with_deadline<mount::LoopDevice>(info.Env().Undefined(), {}, std::move(work),
                                              [](Napi::Env env, mount::LoopDevice loop) {
                                                auto pair = Napi::Array::New(env, 2);
                                                pair.Set(uint32_t{0}, loop.path);
                                                pair.Set(uint32_t{1}, FileDescriptor::create(env, std::move(loop.device)));
                                                return pair;
                                              });
}

Napi::Value detach_loop(const Napi::CallbackInfo& info) {
  if (!takes(info, "D")) return {};
  UniqueFd device = share_fd(info.Env(), info[0]);
  if (!device) return info.Env().Undefined();
  auto work = [device = std::move(device)] { return mount::detach_loop(device.get()); };
  return run_with_deadline_void(info.Env().Undefined(), {}, std::move(work));
}

// (path, timeout) -> type, blockBytes, blocks, freeBlocks, availableBlocks, files, freeFiles, isReadOnly
Napi::Value statfs(const Napi::CallbackInfo& info) {
  if (!takes(info, "s?n")) return {};
  std::string path = to_string(info[0]);
  auto convert = [](Napi::Env env, const sys::FileSystemSpace& space) {
    return make_numbers<double>(env, 8, [&space](double* out) {
      for (uint64_t value : {space.type, space.block_bytes, space.blocks, space.free_blocks, space.available_blocks, space.files,
                             space.free_files, uint64_t{space.is_read_only}}) {
        *out++ = static_cast<double>(value);
      }
    });
  };
  return run_with_deadline<sys::FileSystemSpace>(
      info[1], about_mount("statfs", path), [path] { return sys::file_system_space(path); }, convert);
}

// -> threads, stuck, waiting
Napi::Value blocked_calls(const Napi::CallbackInfo& info) {
  auto counts = DeadlineThreads::instance().counts();
  return make_numbers<double>(info.Env(), 3, [&counts](double* out) {
    out[0] = static_cast<double>(counts.threads);
    out[1] = static_cast<double>(counts.stuck);
    out[2] = static_cast<double>(counts.waiting);
  });
}

// -> [texts, numbers], see FlatTable: two blocks, however many mounts there are.
Napi::Value mount_info(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto table = mount::read_mount_info();
  if (!table) {
    throw_error(env, table.error());
    return env.Undefined();
  }
  auto flat = mount::flatten(table.value());
  auto numbers = make_numbers<uint32_t>(env, flat.numbers.size(),
                                        [&flat](uint32_t* out) { std::copy(flat.numbers.begin(), flat.numbers.end(), out); });
  if (numbers.IsEmpty()) return {};
  auto pair = Napi::Array::New(env, 2);
  pair.Set(uint32_t{0}, Napi::String::New(env, flat.texts));
  pair.Set(uint32_t{1}, numbers);
  return pair;
}

}  // namespace

void init_mount(Napi::Env env, Napi::Object exports) {
  Napi::Object module = Napi::Object::New(env);
  module.Set("mount", Napi::Function::New<mount_async>(env, "mount"));
  module.Set("mountSync", Napi::Function::New<mount_sync>(env, "mountSync"));
  module.Set("umount", Napi::Function::New<unmount_async>(env, "umount"));
  module.Set("createMount", Napi::Function::New<create_mount>(env, "createMount"));
  module.Set("openTree", Napi::Function::New<open_tree>(env, "openTree"));
  module.Set("moveMount", Napi::Function::New<move_mount>(env, "moveMount"));
  module.Set("setAttributes", Napi::Function::New<set_attributes>(env, "setAttributes"));
  module.Set("switchRoot", Napi::Function::New<switch_root>(env, "switchRoot"));
  module.Set("pivotRoot", Napi::Function::New<pivot_root>(env, "pivotRoot"));
  module.Set("attachLoop", Napi::Function::New<attach_loop>(env, "attachLoop"));
  module.Set("detachLoop", Napi::Function::New<detach_loop>(env, "detachLoop"));
  module.Set("statfs", Napi::Function::New<statfs>(env, "statfs"));
  module.Set("blockedCalls", Napi::Function::New<blocked_calls>(env, "blockedCalls"));
  module.Set("mountInfo", Napi::Function::New<mount_info>(env, "mountInfo"));
  exports.Set("mount", module);
}

}  // namespace talos::bind
