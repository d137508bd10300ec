// The process table of ProcessModule: a Float64Array of rows and a Buffer of texts, which lib/native/process-table.ts takes
// apart.
#include <napi.h>

#include <algorithm>

#include "bind/async.h"
#include "bind/numbers.h"
#include "bind/process_parts.h"
#include "bind/takes.h"
#include "process/table.h"

namespace talos::bind {

namespace {

Napi::Value to_js(Napi::Env env, const process::Table& table) {
  auto rows = make_numbers<double>(env, table.rows.size(),
                                   [&table](double* out) { std::copy(table.rows.begin(), table.rows.end(), out); });
  if (rows.IsEmpty()) return {};
  Napi::Object result = Napi::Object::New(env);
  result.Set("rows", rows);
  result.Set("text", Napi::Buffer<char>::Copy(env, table.text.data(), table.text.size()));
  result.Set("isComplete", Napi::Boolean::New(env, table.is_complete));
  return result;
}

// (with cgroups?, bytes of a command line, deadline in ms)
Napi::Value read_table(const Napi::CallbackInfo& info) {
  if (!takes(info, "bnn")) return {};
  process::TableOptions options;
  options.cgroups = info[0].As<Napi::Boolean>();
  options.command_line_bytes = info[1].As<Napi::Number>().Uint32Value();
  options.deadline = std::chrono::milliseconds(info[2].As<Napi::Number>().Int64Value());
  return run_async<process::Table>(
      info.Env(), [options] { return process::read_table(options); },
      [](Napi::Env env, process::Table table) { return to_js(env, table); });
}

}  // namespace

void define_process_table(Napi::Env env, Napi::Object module) {
  module.Set("readTable", Napi::Function::New<read_table>(env, "readTable"));
}

}  // namespace talos::bind
