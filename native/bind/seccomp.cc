// System call filters of ProcessModule. lib/native/seccomp.ts turns names of actions and operators into numbers.
#include <napi.h>

#include <cstring>

#include "bind/error.h"
#include "bind/process_parts.h"
#include "bind/strings.h"
#include "bind/takes.h"
#include "seccomp/filter.h"
#include "sys/seccomp_calls.h"

namespace talos::bind {

namespace {

uint64_t wide_number(const Napi::Value& value) {
  if (is_wrong(value, value.IsBigInt())) return 0;
  bool lossless = false;
  return value.As<Napi::BigInt>().Uint64Value(&lossless);
}

// Argument, operator, value, mask; argument, …
std::vector<seccomp::Comparison> comparisons_of(const Napi::Value& value) {
  const auto parts = to_elements(value);
  std::vector<seccomp::Comparison> comparisons;
  for (size_t i = 0; i + 3 < parts.size(); i += 4) {
    comparisons.push_back({static_cast<uint32_t>(to_integer(parts[i])), static_cast<seccomp::Operator>(to_integer(parts[i + 1])),
                           wide_number(parts[i + 2]), wide_number(parts[i + 3])});
  }
  return comparisons;
}

// (default action, [[names, comparisons, action], …]) → the program as a Buffer.
Napi::Value compile_seccomp(const Napi::CallbackInfo& info) {
  if (!takes(info, "na")) return {};
  Napi::Env env = info.Env();
  seccomp::Filter filter;
  filter.default_action = info[0].As<Napi::Number>().Uint32Value();
  for (const Napi::Value& each : to_elements(info[1])) {
    auto rule = to_elements(each);
    rule.resize(3, env.Undefined());
    filter.rules.push_back({to_strings(rule[0]), comparisons_of(rule[1]), static_cast<uint32_t>(to_integer(rule[2]))});
  }
  if (env.IsExceptionPending()) return {};
  auto program = seccomp::compile(filter, seccomp::kHostArchitecture);
  if (!program) {
    throw_error(env, program.error());
    return env.Undefined();
  }
  const auto& code = program.value();
  return Napi::Buffer<uint8_t>::Copy(env, reinterpret_cast<const uint8_t*>(code.data()), code.size() * sizeof code[0]);
}

void install_seccomp(const Napi::CallbackInfo& info) {
  if (!takes(info, "u")) return;
  auto installed = sys::install_filter_everywhere(to_program(info[0]));
  if (!installed) throw_error(info.Env(), installed.error());
}

}  // namespace

std::vector<BpfInstruction> to_program(const Napi::Value& value) {
  if (is_wrong(value, value.IsBuffer())) return {};
  auto bytes = value.As<Napi::Buffer<uint8_t>>();
  std::vector<BpfInstruction> program(bytes.Length() / sizeof(BpfInstruction));
  if (!program.empty()) std::memcpy(program.data(), bytes.Data(), program.size() * sizeof program[0]);
  return program;
}

void define_seccomp(Napi::Env env, Napi::Object module) {
  module.Set("compileSeccomp", Napi::Function::New<compile_seccomp>(env, "compileSeccomp"));
  module.Set("installSeccomp", Napi::Function::New<install_seccomp>(env, "installSeccomp"));
}

}  // namespace talos::bind
