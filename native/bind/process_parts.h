// Members of ProcessModule that have a file of their own.
#pragma once

#include <napi.h>

#include <vector>

#include "base/bpf.h"

namespace talos::bind {

// compileSeccomp, installSeccomp.
void define_seccomp(Napi::Env env, Napi::Object module);
// readTable.
void define_process_table(Napi::Env env, Napi::Object module);

// What compileSeccomp made.
std::vector<BpfInstruction> to_program(const Napi::Value& value);

}  // namespace talos::bind
