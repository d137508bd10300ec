// System call filters of ProcessModule. lib/native/seccomp.ts turns names of actions and operators into numbers.
#include <napi.h>

#include <cstring>

#include "bind/error.h"
#include "bind/process_parts.h"
#include "bind/strings.h"
#include "seccomp/filter.h"
#include "sys/seccomp_calls.h"

namespace talos::bind {

namespace {

uint64_t wide_number(const Napi::Value& value) {
  bool lossless = false;
  return value.As<Napi::BigInt>().Uint64Value(&lossless);
}

// Argument, operator, value, mask; argument, …
std::vector<seccomp::Comparison> comparisons_of(const Napi::Value& value) {
  auto array = value.As<Napi::Array>();
  std::vector<seccomp::Comparison> comparisons;
  for (uint32_t i = 0; i + 3 < array.Length(); i += 4) {
    comparisons.push_back({array.Get(i).As<Napi::Number>().Uint32Value(),
                           static_cast<seccomp::Operator>(array.Get(i + 1).As<Napi::Number>().Uint32Value()),
                           wide_number(array.Get(i + 2)), wide_number(array.Get(i + 3))});
  }
  return comparisons;
}

// (default action, [[names, comparisons, action], …]) → the program as a Buffer.
Napi::Value compile_seccomp(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  seccomp::Filter filter;
  filter.default_action = info[0].As<Napi::Number>().Uint32Value();
  auto rules = info[1].As<Napi::Array>();
  for (uint32_t i = 0; i < rules.Length(); ++i) {
    auto rule = rules.Get(i).As<Napi::Array>();
    filter.rules.push_back({to_strings(rule.Get(uint32_t{0})), comparisons_of(rule.Get(uint32_t{1})),
                            rule.Get(uint32_t{2}).As<Napi::Number>().Uint32Value()});
  }
  auto program = seccomp::compile(filter, seccomp::kHostArchitecture);
  if (!program) {
    throw_error(env, program.error());
    return env.Undefined();
  }
  const auto& code = program.value();
  return Napi::Buffer<uint8_t>::Copy(env, reinterpret_cast<const uint8_t*>(code.data()), code.size() * sizeof code[0]);
}

void install_seccomp(const Napi::CallbackInfo& info) {
  auto installed = sys::install_filter_everywhere(to_program(info[0]));
  if (!installed) throw_error(info.Env(), installed.error());
}

}  // namespace

std::vector<BpfInstruction> to_program(const Napi::Value& value) {
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
