// The members of the addon, each defined in the file of its name. They add one object to `exports`.
#pragma once

#include <napi.h>

namespace talos::bind {

void init_descriptor(Napi::Env env, Napi::Object exports);
void init_process(Napi::Env env, Napi::Object exports);
void init_ring(Napi::Env env, Napi::Object exports);
void init_channel(Napi::Env env, Napi::Object exports);
void init_clock(Napi::Env env, Napi::Object exports);
void init_dhcp(Napi::Env env, Napi::Object exports);
void init_files(Napi::Env env, Napi::Object exports);
void init_mount(Napi::Env env, Napi::Object exports);
void init_block(Napi::Env env, Napi::Object exports);
void init_cgroup(Napi::Env env, Napi::Object exports);
void init_kmsg(Napi::Env env, Napi::Object exports);
void init_netlink(Napi::Env env, Napi::Object exports);
void init_power(Napi::Env env, Napi::Object exports);
void init_relay(Napi::Env env, Napi::Object exports);

}  // namespace talos::bind
