#include "bind/block_values.h"

#include "bind/fd.h"
#include "bind/strings.h"

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

}  // namespace

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
  auto grown = Napi::Array::New(env, sync.changes.grown.size());
  auto added = Napi::Array::New(env, sync.changes.added.size());
  for (uint32_t i = 0; i < sync.changes.deleted.size(); i++) deleted.Set(i, sync.changes.deleted[i]);
  for (uint32_t i = 0; i < sync.changes.grown.size(); i++) grown.Set(i, sync.changes.grown[i].number);
  for (uint32_t i = 0; i < sync.changes.added.size(); i++) added.Set(i, sync.changes.added[i].number);
  auto object = Napi::Object::New(env);
  object.Set("wasReread", sync.was_reread);
  object.Set("deleted", deleted);
  object.Set("grown", grown);
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

Napi::Value to_js(Napi::Env env, const block::Growth& growth) {
  auto object = Napi::Object::New(env);
  object.Set("deviceBytes", number(growth.device_bytes));
  object.Set("fromBytes", number(growth.from_bytes));
  object.Set("toBytes", number(growth.to_bytes));
  return object;
}

std::optional<block::DeviceTarget> to_target(const Napi::Value& value) {
  if (value.IsString()) return block::DeviceTarget(to_string(value));
  UniqueFd fd = share_fd(value.Env(), value);
  if (!fd) return std::nullopt;
  return block::DeviceTarget(std::move(fd));
}

}  // namespace talos::bind
