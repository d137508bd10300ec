// Answers of device-mapper.
#include "block/dm_message.h"
#include "fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto reply = talos::block::decode_dm_reply({data, size}, true);
  if (!reply) return 0;
  talos::fuzz::require(reply.value().targets.size() <= size, "no more targets than bytes");
  for (const auto& target : reply.value().targets) talos::fuzz::require(target.parameters.size() < size, "text of the answer");
  return 0;
}
