// BlockModule of the contract, in the raw shape of lib/native/block.ts. Everything sleeps on a device: all of it runs on threads
// of its own, and the timeout comes last in every call.
#include <napi.h>

#include "bind/deadline.h"
#include "bind/error.h"
#include "bind/modules.h"
#include "bind/strings.h"
#include "bind/takes.h"
#include "block/gpt_disk.h"
#include "block/inspect.h"
#include "block/verity.h"

namespace talos::bind {

namespace {

double number(uint64_t value) { return static_cast<double>(value); }

const char* checksum_word(block::Filesystem::Checksum checksum) {
  switch (checksum) {
    case block::Filesystem::Checksum::kValid:
      return "valid";
    case block::Filesystem::Checksum::kWrong:
      return "wrong";
    case block::Filesystem::Checksum::kNone:
      break;
  }
  return "none";
}

// Labels are bytes of whoever made the file system; what is no UTF-8 becomes U+FFFD.
Napi::Value text_of(Napi::Env env, const std::string& bytes) { return Napi::String::New(env, bytes); }

Napi::Value to_js(Napi::Env env, const sys::DeviceGeometry& geometry) {
  auto object = Napi::Object::New(env);
  object.Set("isBlockDevice", geometry.is_block_device);
  object.Set("isReadOnly", geometry.is_read_only);
  object.Set("sizeBytes", number(geometry.size_bytes));
  object.Set("logicalSectorBytes", geometry.logical_sector_bytes);
  object.Set("physicalSectorBytes", geometry.physical_sector_bytes);
  object.Set("optimalIoBytes", geometry.optimal_io_bytes);
  return object;
}

Napi::Value to_js(Napi::Env env, const std::vector<block::Signature>& signatures) {
  auto array = Napi::Array::New(env, signatures.size());
  for (uint32_t i = 0; i < signatures.size(); i++) {
    auto object = Napi::Object::New(env);
    object.Set("name", signatures[i].name);
    object.Set("usage", signatures[i].usage);
    object.Set("offset", number(signatures[i].offset));
    object.Set("length", signatures[i].length);
    array.Set(i, object);
  }
  return array;
}

Napi::Value to_js(Napi::Env env, const block::Inspection& inspection) {
  auto filesystems = Napi::Array::New(env, inspection.filesystems.size());
  for (uint32_t i = 0; i < inspection.filesystems.size(); i++) {
    const block::Filesystem& each = inspection.filesystems[i];
    auto object = Napi::Object::New(env);
    object.Set("type", each.type);
    object.Set("label", text_of(env, each.label));
    object.Set("uuid", each.uuid);
    object.Set("blockBytes", number(each.block_bytes));
    object.Set("sizeBytes", number(each.size_bytes));
    object.Set("checksum", checksum_word(each.checksum));
    filesystems.Set(i, object);
  }
  auto object = Napi::Object::New(env);
  object.Set("sizeBytes", number(inspection.size_bytes));
  object.Set("isEmpty", inspection.is_empty);
  object.Set("isBlank", inspection.is_blank);
  object.Set("signatures", to_js(env, inspection.signatures));
  object.Set("filesystems", filesystems);
  object.Set("problems", to_array(env, inspection.problems));
  return object;
}

Napi::Value to_js(Napi::Env env, const block::GptState& state) {
  const block::GptCopy* active = state.active();
  if (active == nullptr) return env.Undefined();
  auto partitions = Napi::Array::New(env, active->partitions.size());
  for (uint32_t i = 0; i < active->partitions.size(); i++) {
    const block::GptPartition& each = active->partitions[i];
    auto object = Napi::Object::New(env);
    object.Set("number", each.number);
    object.Set("typeGuid", block::guid_text(each.type));
    object.Set("id", block::guid_text(each.id));
    object.Set("name", text_of(env, each.name));
    object.Set("startBytes", number(each.first_lba * state.sector_bytes));
    object.Set("sizeBytes", number((each.last_lba - each.first_lba + 1) * state.sector_bytes));
    object.Set("attributes", Napi::BigInt::New(env, each.attributes));
    partitions.Set(i, object);
  }
  auto object = Napi::Object::New(env);
  object.Set("diskId", block::guid_text(active->header.disk_id));
  object.Set("sectorBytes", state.sector_bytes);
  object.Set("source", active == &state.primary ? "primary" : "backup");
  object.Set("partitions", partitions);
  object.Set("problems", to_array(env, state.problems()));
  return object;
}

Napi::Value to_js(Napi::Env env, const block::PartitionSync& sync) {
  auto deleted = Napi::Array::New(env, sync.changes.deleted.size());
  auto added = Napi::Array::New(env, sync.changes.added.size());
  for (uint32_t i = 0; i < sync.changes.deleted.size(); i++) deleted.Set(i, sync.changes.deleted[i]);
  for (uint32_t i = 0; i < sync.changes.added.size(); i++) added.Set(i, sync.changes.added[i].number);
  auto object = Napi::Object::New(env);
  object.Set("wasReread", sync.was_reread);
  object.Set("deleted", deleted);
  object.Set("added", added);
  return object;
}

Napi::Value to_js(Napi::Env env, const block::VerityStatus& status) {
  auto object = Napi::Object::New(env);
  object.Set("isIntact", status.is_intact);
  object.Set("isSuspended", status.is_suspended);
  object.Set("isReadOnly", status.is_read_only);
  object.Set("openCount", status.open_count);
  object.Set("path", "/dev/dm-" + std::to_string(status.minor));
  return object;
}

Error about(const char* call, std::string device) {
  return Error{0, call, std::move(device), {}, "the device did not answer in time; the kernel may still be at it"};
}

template <typename T, typename Work>
Napi::Value promise_of(const Napi::Value& timeout, Error limit, Work work) {
  return run_with_deadline<T>(timeout, std::move(limit), std::move(work),
                              [](Napi::Env env, T value) { return to_js(env, value); });
}

// (path, timeout): what most calls are.
template <typename T, Result<T> (*Call)(const std::string&)>
Napi::Value call_with_path(const Napi::CallbackInfo& info, const char* call) {
  if (!takes(info, "s?n")) return {};
  std::string path = to_string(info[0]);
  return promise_of<T>(info[1], about(call, path), [path] { return Call(path); });
}

Napi::Value info_of(const Napi::CallbackInfo& info) {
  return call_with_path<sys::DeviceGeometry, block::device_info>(info, "open");
}

Napi::Value inspect(const Napi::CallbackInfo& info) {
  return call_with_path<block::Inspection, block::inspect_device>(info, "pread");
}

Napi::Value wipe_signatures(const Napi::CallbackInfo& info) {
  return call_with_path<std::vector<block::Signature>, block::wipe_signatures>(info, "pwrite");
}

Napi::Value read_gpt(const Napi::CallbackInfo& info) {
  return call_with_path<block::GptState, block::read_gpt_of>(info, "pread");
}

Napi::Value repair_gpt(const Napi::CallbackInfo& info) {
  return call_with_path<block::GptState, block::repair_gpt>(info, "pwrite");
}

Napi::Value sync_partitions(const Napi::CallbackInfo& info) {
  return call_with_path<block::PartitionSync, block::sync_partitions>(info, "ioctl");
}

// A name and no path.
Napi::Value verity_status(const Napi::CallbackInfo& info) {
  return call_with_path<block::VerityStatus, block::verity_status>(info, "ioctl");
}

// (path, kind, offset, length, timeout)
Napi::Value erase(const Napi::CallbackInfo& info) {
  if (!takes(info, "ssnn?n")) return {};
  std::string path = to_string(info[0]);
  std::string word = to_string(info[1]);
  auto kind = word == "zero"     ? sys::EraseKind::kZero
              : word == "secure" ? sys::EraseKind::kSecureDiscard
                                 : sys::EraseKind::kDiscard;
  auto offset = static_cast<uint64_t>(info[2].As<Napi::Number>().Int64Value());
  auto length = static_cast<uint64_t>(info[3].As<Napi::Number>().Int64Value());
  return run_with_deadline_void(info[4], about("ioctl", path),
                                [path, kind, offset, length] { return block::erase(path, kind, offset, length); });
}

Napi::Value flush(const Napi::CallbackInfo& info) {
  if (!takes(info, "s?n")) return {};
  std::string path = to_string(info[0]);
  return run_with_deadline_void(info[1], about("fsync", path), [path] { return block::flush(path); });
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
  return promise_of<block::GptState>(info[4], about("pwrite", path), std::move(work));
}

// (name, uuid, [dataDevice, hashDevice, algorithm, rootDigest, salt, onCorruption],
//  [dataBlockBytes, hashBlockBytes, dataBlocks, hashStartBlock], ignoresZeroBlocks, timeout)
Napi::Value create_verity(const Napi::CallbackInfo& info) {
  if (!takes(info, "ssaab?n")) return {};
  std::vector<std::string> texts = to_strings(info[2]);
  texts.resize(6);
  auto numbers = to_elements(info[3]);
  numbers.resize(4, info.Env().Undefined());
  auto at = [&](size_t i) { return static_cast<uint64_t>(to_integer(numbers[i])); };
  block::VerityTable table;
  table.data_device = texts.at(0);
  table.hash_device = texts.at(1);
  table.algorithm = texts.at(2);
  table.root_digest = texts.at(3);
  table.salt = texts.at(4);
  using OnCorruption = block::VerityTable::OnCorruption;
  table.on_corruption = texts.at(5) == "restart" ? OnCorruption::kRestart
                        : texts.at(5) == "panic" ? OnCorruption::kPanic
                                                 : OnCorruption::kError;
  table.data_block_bytes = static_cast<uint32_t>(at(0));
  table.hash_block_bytes = static_cast<uint32_t>(at(1));
  table.data_blocks = at(2);
  table.hash_start_block = at(3);
  table.ignores_zero_blocks = info[4].As<Napi::Boolean>().Value();
  if (info.Env().IsExceptionPending()) return {};
  std::string name = to_string(info[0]);
  auto work = [name, uuid = to_string(info[1]), table = std::move(table)] { return block::create_verity(name, uuid, table); };
  return promise_of<block::VerityStatus>(info[5], about("ioctl", name), std::move(work));
}

// (name, deferred, timeout)
Napi::Value remove_mapped(const Napi::CallbackInfo& info) {
  if (!takes(info, "sb?n")) return {};
  std::string name = to_string(info[0]);
  auto work = [name, deferred = info[1].As<Napi::Boolean>().Value()] { return block::remove_mapped(name, deferred); };
  return run_with_deadline_void(info[2], about("ioctl", name), std::move(work));
}

}  // namespace

void init_block(Napi::Env env, Napi::Object exports) {
  Napi::Object module = Napi::Object::New(env);
  module.Set("info", Napi::Function::New<info_of>(env, "info"));
  module.Set("inspect", Napi::Function::New<inspect>(env, "inspect"));
  module.Set("wipeSignatures", Napi::Function::New<wipe_signatures>(env, "wipeSignatures"));
  module.Set("erase", Napi::Function::New<erase>(env, "erase"));
  module.Set("flush", Napi::Function::New<flush>(env, "flush"));
  module.Set("readGpt", Napi::Function::New<read_gpt>(env, "readGpt"));
  module.Set("createGpt", Napi::Function::New<create_gpt>(env, "createGpt"));
  module.Set("repairGpt", Napi::Function::New<repair_gpt>(env, "repairGpt"));
  module.Set("syncPartitions", Napi::Function::New<sync_partitions>(env, "syncPartitions"));
  module.Set("createVerity", Napi::Function::New<create_verity>(env, "createVerity"));
  module.Set("verityStatus", Napi::Function::New<verity_status>(env, "verityStatus"));
  module.Set("removeMapped", Napi::Function::New<remove_mapped>(env, "removeMapped"));
  exports.Set("block", module);
}

}  // namespace talos::bind
