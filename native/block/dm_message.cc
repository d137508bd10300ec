#include "block/dm_message.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "sys/device_mapper_calls.h"

namespace talos::block {
namespace {

constexpr size_t kMaxParameters = 16 * 1024;
constexpr size_t kMaxTargets = 1024;

Error broken(const std::string& what, size_t offset) {
  return Error{EBADMSG, "device-mapper", {}, {}, what + " at byte " + std::to_string(offset)};
}

Error invalid(const char* what) { return Error{EINVAL, "device-mapper", {}, {}, what}; }

// A target and its parameters take a multiple of 8 bytes.
size_t target_bytes(const DmTarget& target) { return (sizeof(dm_target_spec) + target.parameters.size() + 1 + 7) / 8 * 8; }

void put_target(std::span<uint8_t> out, const DmTarget& target) {
  dm_target_spec spec = {};
  spec.sector_start = target.start_sector;
  spec.length = target.sectors;
  spec.next = static_cast<uint32_t>(out.size());
  target.type.copy(spec.target_type, sizeof spec.target_type - 1);
  std::memcpy(out.data(), &spec, sizeof spec);
  std::memcpy(out.data() + sizeof spec, target.parameters.data(), target.parameters.size());
}

// dev_t as the kernel encodes it for user space in 64 bits: the low twelve bits of the major number at bit 8.
uint32_t major_of(uint64_t dev) { return static_cast<uint32_t>(dev >> 8 & 0xfff); }
uint32_t minor_of(uint64_t dev) { return static_cast<uint32_t>((dev & 0xff) | (dev >> 12 & 0xfff00)); }

// The text up to a NUL that must come before the end.
bool text_at(Bytes buffer, size_t at, size_t limit, std::string& text) {
  const void* end = std::memchr(buffer.data() + at, 0, limit - at);
  if (end == nullptr) return false;
  text.assign(reinterpret_cast<const char*>(buffer.data() + at), static_cast<const char*>(end));
  return true;
}

}  // namespace

Result<std::vector<uint8_t>> encode_dm_request(std::string_view name, std::string_view uuid, uint32_t flags,
                                               const std::vector<DmTarget>& targets, size_t room) {
  dm_ioctl head = {};
  bool has_slash = name.find('/') != std::string_view::npos || uuid.find('/') != std::string_view::npos;
  bool has_nul = name.find('\0') != std::string_view::npos || uuid.find('\0') != std::string_view::npos;
  if (name.empty() || name.size() >= sizeof head.name || has_slash || has_nul)
    return invalid("a name of 1 to 127 bytes without '/'");
  if (uuid.size() >= sizeof head.uuid) return invalid("a UUID of at most 128 bytes");
  if (targets.size() > kMaxTargets) return invalid("too many targets");
  size_t used = sizeof head;
  for (const DmTarget& target : targets) {
    if (target.type.empty() || target.type.size() >= sizeof(dm_target_spec::target_type))
      return invalid("a target type of 1 to 15 bytes");
    if (target.parameters.size() > kMaxParameters) return invalid("parameters of more than 16 KiB");
    used += target_bytes(target);
  }
  std::vector<uint8_t> buffer(used + room);
  head.version[0] = DM_VERSION_MAJOR;
  head.data_size = static_cast<uint32_t>(buffer.size());
  head.data_start = sizeof head;
  head.target_count = static_cast<uint32_t>(targets.size());
  head.flags = flags;
  name.copy(head.name, sizeof head.name - 1);
  uuid.copy(head.uuid, sizeof head.uuid - 1);
  std::memcpy(buffer.data(), &head, sizeof head);
  size_t at = sizeof head;
  for (const DmTarget& target : targets) {
    put_target(std::span(buffer).subspan(at, target_bytes(target)), target);
    at += target_bytes(target);
  }
  return buffer;
}

Result<DmReply> decode_dm_reply(Bytes buffer, bool with_targets) {
  dm_ioctl head;
  if (buffer.size() < sizeof head) return broken("an answer cut off", buffer.size());
  std::memcpy(&head, buffer.data(), sizeof head);
  DmReply reply;
  if (head.version[0] != DM_VERSION_MAJOR) return broken("version " + std::to_string(head.version[0]), 0);
  if (!text_at(buffer, offsetof(dm_ioctl, name), offsetof(dm_ioctl, name) + sizeof head.name, reply.name)) {
    return broken("a name without an end", offsetof(dm_ioctl, name));
  }
  reply.flags = head.flags;
  reply.open_count = head.open_count;
  reply.major = major_of(head.dev);
  reply.minor = minor_of(head.dev);
  reply.is_full = (head.flags & DM_BUFFER_FULL_FLAG) != 0;
  if (!with_targets || reply.is_full) return reply;

  size_t size = std::min<size_t>(head.data_size, buffer.size());
  if (head.data_start < sizeof head || head.data_start > size) {
    return broken("data from " + std::to_string(head.data_start) + " of " + std::to_string(size), offsetof(dm_ioctl, data_start));
  }
  if (head.target_count > kMaxTargets)
    return broken(std::to_string(head.target_count) + " targets", offsetof(dm_ioctl, target_count));
  size_t at = head.data_start;
  for (uint32_t index = 0; index < head.target_count; index++) {
    dm_target_spec spec;
    if (size - at < sizeof spec) return broken("a target cut off", at);
    std::memcpy(&spec, buffer.data() + at, sizeof spec);
    // In answers `next` counts from the start of the data; it must go forward, or the list would have no end.
    size_t begin = at + sizeof spec;
    size_t next = size_t{head.data_start} + spec.next;
    bool is_last = index + 1 == head.target_count;
    if (!is_last && (next < begin || next > size)) return broken("the next target said to be at " + std::to_string(next), at);
    DmTarget target = {spec.sector_start, spec.length, {}, {}};
    target.type = fixed_text(buffer.subspan(at + offsetof(dm_target_spec, target_type), sizeof spec.target_type));
    if (!text_at(buffer, begin, is_last ? size : next, target.parameters)) return broken("parameters without an end", begin);
    reply.targets.push_back(std::move(target));
    at = next;
  }
  return reply;
}

}  // namespace talos::block
