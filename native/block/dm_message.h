// Messages to and from device-mapper as bytes. Pure: the bounds of everything in an answer are checked before it is followed.
// Source: include/uapi/linux/dm-ioctl.h.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "block/bytes.h"

namespace talos::block {

struct DmTarget {
  uint64_t start_sector = 0;  // of 512 bytes
  uint64_t sectors = 0;
  std::string type;
  std::string parameters;
};

struct DmReply {
  std::string name;
  uint32_t flags = 0;
  int32_t open_count = 0;
  uint32_t major = 0;
  uint32_t minor = 0;
  // The answer did not fit; it has to be asked for again with more room.
  bool is_full = false;
  std::vector<DmTarget> targets;
};

// A request about the device `name`, with room for `room` bytes of answer behind the head. EINVAL for a name or UUID that is
// empty (the name), too long (127 bytes, 128 for the UUID) or holds '/'.
Result<std::vector<uint8_t>> encode_dm_request(std::string_view name, std::string_view uuid, uint32_t flags,
                                               const std::vector<DmTarget>& targets, size_t room);

// The answer in the buffer of a request. `with_targets`: it is one that lists them. EBADMSG with what and the offset in the
// buffer.
Result<DmReply> decode_dm_reply(Bytes buffer, bool with_targets);

}  // namespace talos::block
