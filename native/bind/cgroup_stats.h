// Statistics of CgroupModule: rows of doubles, as native/cgroup/stats.h lays them out.
#pragma once

#include <napi.h>

namespace talos::bind {

// (groups, sets): a Float64Array with a row a group.
Napi::Value cgroup_stats(const Napi::CallbackInfo& info);

// (sets, maxDescriptors): a sampler. 0 for the bound: half of what the process may open.
Napi::Value open_cgroup_sampler(const Napi::CallbackInfo& info);

void define_cgroup_sampler(Napi::Env env);

}  // namespace talos::bind
