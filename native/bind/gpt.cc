// The calls of BlockModule that read and write partition tables.
#include "bind/block_values.h"

namespace talos::bind {

namespace {

Napi::Value read_gpt(const Napi::CallbackInfo& info) {
  return call_with_path<block::GptState, block::read_gpt_of>(info, "pread");
}

Napi::Value repair_gpt(const Napi::CallbackInfo& info) {
  return call_with_path<block::GptState, block::repair_gpt>(info, "pwrite");
}

Napi::Value sync_partitions(const Napi::CallbackInfo& info) {
  return call_with_path<block::PartitionSync, block::sync_partitions>(info, "ioctl");
}

// Empty text: to be made at random. lib/native has checked the form.
block::Guid to_guid(const Napi::Value& value) { return block::parse_guid(to_string(value)).value_or(block::Guid{}); }

// (path, diskId, replacesGpt, partitions, timeout), a partition being [typeGuid, id, name, sizeBytes, attributes].
Napi::Value create_gpt(const Napi::CallbackInfo& info) {
  if (!takes(info, "ssba?n")) return {};
  std::vector<block::GptPartitionRequest> partitions;
  for (const Napi::Value& each : to_elements(info[3])) {
    auto fields = to_elements(each);
    fields.resize(5, info.Env().Undefined());
    if (is_wrong(fields[4], fields[4].IsBigInt())) return {};
    bool is_lossless = false;
    partitions.push_back({to_guid(fields[0]), to_guid(fields[1]), to_string(fields[2]),
                          static_cast<uint64_t>(to_integer(fields[3])), fields[4].As<Napi::BigInt>().Uint64Value(&is_lossless)});
  }
  if (info.Env().IsExceptionPending()) return {};
  std::string path = to_string(info[0]);
  auto work = [path, disk_id = to_guid(info[1]), replaces = info[2].As<Napi::Boolean>().Value(),
               partitions = std::move(partitions)] { return block::create_gpt(path, partitions, disk_id, replaces); };
  return promise_of<block::GptState>(info[4], about_device("pwrite", path), std::move(work));
}

// (path, changes, mayBeInUse, timeout), a change being [number, attributes or undefined, grows].
Napi::Value change_gpt(const Napi::CallbackInfo& info) {
  if (!takes(info, "sab?n")) return {};
  std::vector<block::GptChange> changes;
  for (const Napi::Value& each : to_elements(info[1])) {
    auto fields = to_elements(each);
    fields.resize(3, info.Env().Undefined());
    if (is_wrong(fields[1], fields[1].IsBigInt() || fields[1].IsUndefined())) return {};
    if (is_wrong(fields[2], fields[2].IsBoolean())) return {};
    block::GptChange change{static_cast<uint32_t>(to_integer(fields[0])), {}, fields[2].As<Napi::Boolean>().Value()};
    bool is_lossless = false;
    if (fields[1].IsBigInt()) change.attributes = fields[1].As<Napi::BigInt>().Uint64Value(&is_lossless);
    changes.push_back(change);
  }
  if (info.Env().IsExceptionPending()) return {};
  std::string path = to_string(info[0]);
  auto work = [path, changes = std::move(changes), may_be_in_use = info[2].As<Napi::Boolean>().Value()] {
    return block::change_gpt(path, changes, may_be_in_use);
  };
  return promise_of<block::GptState>(info[3], about_device("pwrite", path), std::move(work));
}

}  // namespace

void add_gpt_calls(Napi::Env env, Napi::Object module) {
  module.Set("readGpt", Napi::Function::New<read_gpt>(env, "readGpt"));
  module.Set("createGpt", Napi::Function::New<create_gpt>(env, "createGpt"));
  module.Set("repairGpt", Napi::Function::New<repair_gpt>(env, "repairGpt"));
  module.Set("changeGpt", Napi::Function::New<change_gpt>(env, "changeGpt"));
  module.Set("syncPartitions", Napi::Function::New<sync_partitions>(env, "syncPartitions"));
}

}  // namespace talos::bind
