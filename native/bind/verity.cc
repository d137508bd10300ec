// The calls of BlockModule for dm-verity.
#include "bind/block_values.h"

namespace talos::bind {

namespace {

// A name and no path.
Napi::Value verity_status(const Napi::CallbackInfo& info) {
  return call_with_path<block::VerityStatus, block::verity_status>(info, "ioctl");
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
  return promise_of<block::VerityStatus>(info[5], about_device("ioctl", name), std::move(work));
}

// (name, deferred, timeout)
Napi::Value remove_mapped(const Napi::CallbackInfo& info) {
  if (!takes(info, "sb?n")) return {};
  std::string name = to_string(info[0]);
  auto work = [name, deferred = info[1].As<Napi::Boolean>().Value()] { return block::remove_mapped(name, deferred); };
  return run_with_deadline_void(info[2], about_device("ioctl", name), std::move(work));
}

}  // namespace

void add_verity_calls(Napi::Env env, Napi::Object module) {
  module.Set("createVerity", Napi::Function::New<create_verity>(env, "createVerity"));
  module.Set("verityStatus", Napi::Function::New<verity_status>(env, "verityStatus"));
  module.Set("removeMapped", Napi::Function::New<remove_mapped>(env, "removeMapped"));
}

}  // namespace talos::bind
