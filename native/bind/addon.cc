// Entry of talos.node. Loaded once by lib/native, which gives it its types and checks its arguments.
#include <napi.h>

#include "bind/addon_data.h"
#include "bind/fd.h"
#include "bind/modules.h"

namespace talos::bind {

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* data = new AddonData();
  env.SetInstanceData(data);  // deleted with the environment
  data->loop = JsLoop::create(env);
  FileDescriptor::define(env);
  init_descriptor(env, exports);
  init_process(env, exports);
  init_ring(env, exports);
  init_channel(env, exports);
  init_clock(env, exports);
  init_dhcp(env, exports);
  init_files(env, exports);
  init_mount(env, exports);
  init_block(env, exports);
  init_cgroup(env, exports);
  init_kmsg(env, exports);
  init_netlink(env, exports);
  init_power(env, exports);
  init_relay(env, exports);
  return exports;
}

}  // namespace talos::bind

using talos::bind::init;
NODE_API_MODULE(talos, init)
