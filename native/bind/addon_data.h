// What one environment (main thread or worker) of the addon keeps: its loop and the constructors of its classes.
#pragma once

#include <napi.h>

#include <array>
#include <memory>

#include "bind/js_loop.h"

namespace talos::bind {

enum class ClassId : size_t {
  kFileDescriptor,
  kChannel,
  kChannelListener,
  kLogRing,
  kLogReader,
  kKmsgReader,
  kMonitor,
  kBootTimer,
  kDhcpSocket,
  kCgroupSampler,
  kWatchdog,
  kRelay,
  kCount
};

struct AddonData {
  std::shared_ptr<JsLoop> loop;
  std::array<Napi::FunctionReference, static_cast<size_t>(ClassId::kCount)> constructors;

  static AddonData& of(Napi::Env env) { return *env.GetInstanceData<AddonData>(); }
  Napi::FunctionReference& constructor(ClassId id) { return constructors[static_cast<size_t>(id)]; }
};

// Makes an object of a class of ours and gives what it wraps. Nothing when no JavaScript can run any more: its thread may be
// terminated at any moment, also during a call of ours, and then an object comes into being that wraps nothing.
template <typename Class>
Class* make_object(Napi::Env env, ClassId id, Napi::Object& object) {
  object = AddonData::of(env).constructor(id).New({});
  return object.IsEmpty() ? nullptr : Class::Unwrap(object);
}

}  // namespace talos::bind
