#include "block/verity.h"

#include "sys/device_mapper_calls.h"

namespace talos::block {
namespace {

constexpr size_t kRoom = 16 * 1024;
constexpr size_t kMaxRoom = 1024 * 1024;
constexpr uint32_t kSectorBytes = 512;

Error invalid_table(const std::string& what) { return Error{EINVAL, "verity", {}, {}, what}; }

bool is_hex(std::string_view text) {
  return text.size() % 2 == 0 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Parameters are words between blanks, and a backslash would escape one.
bool is_word(std::string_view text) {
  return !text.empty() && text.size() < 1024 && text.find_first_of(" \t\n\v\f\r\\") == std::string_view::npos &&
         text.find('\0') == std::string_view::npos;
}

bool is_block_size(uint32_t bytes) { return is_power_of_two(bytes) && bytes >= kSectorBytes && bytes <= 65536; }

struct Request {
  unsigned long number;
  const char* name;
};
constexpr Request kVersion = {DM_VERSION, "DM_VERSION"};
constexpr Request kCreate = {DM_DEV_CREATE, "DM_DEV_CREATE"};
constexpr Request kLoad = {DM_TABLE_LOAD, "DM_TABLE_LOAD"};
constexpr Request kResume = {DM_DEV_SUSPEND, "DM_DEV_SUSPEND"};
constexpr Request kRemove = {DM_DEV_REMOVE, "DM_DEV_REMOVE"};
constexpr Request kStatus = {DM_TABLE_STATUS, "DM_TABLE_STATUS"};

Result<DmReply> ask(int control, const Request& request, const std::string& name, const std::string& uuid, uint32_t flags,
                    const std::vector<DmTarget>& targets = {}) {
  bool with_targets = request.number == kStatus.number;
  for (size_t room = kRoom;; room *= 4) {
    auto buffer = encode_dm_request(name, uuid, flags, targets, room);
    if (!buffer) return buffer.error();
    auto done = sys::device_mapper_request(control, request.number, request.name, buffer.value(), name);
    if (!done) return done.error();
    auto reply = decode_dm_reply(buffer.value(), with_targets);
    if (!reply || !reply.value().is_full) return reply;
    if (room >= kMaxRoom) return Error{EMSGSIZE, "ioctl", name, {}, request.name};
  }
}

// The kernel refuses a major version that is not its own; asking first makes that an error of its own and not of a later step.
Result<UniqueFd> open_control(const std::string& name) {
  auto control = sys::open_device_mapper();
  if (!control) return control;
  if (auto version = ask(control.value().get(), kVersion, name, {}, 0); !version) return version.error();
  return control;
}

Result<VerityStatus> status_of(int control, const std::string& name) {
  auto reply = ask(control, kStatus, name, {}, 0);
  if (!reply) return reply.error();
  const DmReply& answer = reply.value();
  bool is_verity = answer.targets.size() == 1 && answer.targets[0].type == "verity" && !answer.targets[0].parameters.empty();
  if (!is_verity) return Error{EBADMSG, "ioctl", name, {}, "no dm-verity device"};
  // "V", or "C" once a block was wrong; newer kernels may say more behind it.
  return VerityStatus{answer.targets[0].parameters[0] == 'V',
                      (answer.flags & DM_SUSPEND_FLAG) != 0,
                      (answer.flags & DM_READONLY_FLAG) != 0,
                      static_cast<uint32_t>(answer.open_count),
                      answer.major,
                      answer.minor};
}

}  // namespace

Result<DmTarget> verity_target(const VerityTable& table) {
  if (!is_word(table.data_device)) return invalid_table("a data device without blanks");
  if (!is_word(table.hash_device)) return invalid_table("a hash device without blanks");
  if (!is_word(table.algorithm)) return invalid_table("an algorithm without blanks");
  if (!is_block_size(table.data_block_bytes))
    return invalid_table("data blocks of " + std::to_string(table.data_block_bytes) + " bytes");
  if (!is_block_size(table.hash_block_bytes))
    return invalid_table("hash blocks of " + std::to_string(table.hash_block_bytes) + " bytes");
  if (table.root_digest.empty() || !is_hex(table.root_digest)) return invalid_table("a root digest in lower-case hexadecimal");
  if (!is_hex(table.salt) || table.salt.size() > 512)
    return invalid_table("a salt of at most 256 bytes in lower-case hexadecimal");
  uint64_t bytes = 0;
  if (table.data_blocks == 0 || __builtin_mul_overflow(table.data_blocks, uint64_t{table.data_block_bytes}, &bytes)) {
    return invalid_table(std::to_string(table.data_blocks) + " data blocks");
  }
  std::vector<const char*> options;
  if (table.on_corruption == VerityTable::OnCorruption::kRestart) options.push_back("restart_on_corruption");
  if (table.on_corruption == VerityTable::OnCorruption::kPanic) options.push_back("panic_on_corruption");
  if (table.ignores_zero_blocks) options.push_back("ignore_zero_blocks");

  std::string text = "1 " + table.data_device + " " + table.hash_device + " " + std::to_string(table.data_block_bytes) + " " +
                     std::to_string(table.hash_block_bytes) + " " + std::to_string(table.data_blocks) + " " +
                     std::to_string(table.hash_start_block) + " " + table.algorithm + " " + table.root_digest + " " +
                     (table.salt.empty() ? "-" : table.salt);
  if (!options.empty()) text += " " + std::to_string(options.size());
  for (const char* option : options) text += std::string(" ") + option;
  return DmTarget{0, bytes / kSectorBytes, "verity", std::move(text)};
}

Result<VerityStatus> create_verity(const std::string& name, const std::string& uuid, const VerityTable& table) {
  auto target = verity_target(table);
  if (!target) return target.error();
  auto control = open_control(name);
  if (!control) return control.error();
  int fd = control.value().get();
  if (auto created = ask(fd, kCreate, name, uuid, 0); !created) return created.error();
  auto undo = [&](const Error& error) {
    (void)ask(fd, kRemove, name, {}, 0).ok();  // the first error is the one to tell
    return error;
  };
  auto loaded = ask(fd, kLoad, name, {}, DM_READONLY_FLAG, {target.value()});
  if (!loaded) return undo(loaded.error());
  auto resumed = ask(fd, kResume, name, {}, 0);  // without the suspend flag this one resumes
  if (!resumed) return undo(resumed.error());
  auto status = status_of(fd, name);
  if (!status) return undo(status.error());
  return status;
}

Result<VerityStatus> verity_status(const std::string& name) {
  auto control = open_control(name);
  if (!control) return control.error();
  return status_of(control.value().get(), name);
}

Result<void> remove_mapped(const std::string& name, bool deferred) {
  auto control = open_control(name);
  if (!control) return control.error();
  auto removed = ask(control.value().get(), kRemove, name, {}, deferred ? DM_DEFERRED_REMOVE : 0);
  if (!removed) return removed.error();
  return {};
}

}  // namespace talos::block
