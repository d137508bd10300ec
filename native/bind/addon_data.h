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

}  // namespace talos::bind
