// dm-verity: read-only devices whose every block is checked against a tree of hashes when it is read.
// Source: Documentation/admin-guide/device-mapper/verity.rst of the kernel.
#pragma once

#include "block/dm_message.h"

namespace talos::block {

struct VerityTable {
  // Paths of devices, or 'major:minor'. The same for both when the tree lies behind the data.
  std::string data_device;
  std::string hash_device;
  uint32_t data_block_bytes = 4096;
  uint32_t hash_block_bytes = 4096;
  uint64_t data_blocks = 0;
  // Where the tree begins, in blocks of the hash device; a superblock before it is the caller's to step over.
  uint64_t hash_start_block = 0;
  std::string algorithm = "sha256";
  // Lower-case hexadecimal; no salt when empty.
  std::string root_digest;
  std::string salt;
  enum class OnCorruption { kError, kRestart, kPanic } on_corruption = OnCorruption::kError;
  // Blocks that should be all zeros are not read.
  bool ignores_zero_blocks = false;
};

// Pure. EINVAL with what: block sizes (a power of two, 512 to 65536, data in whole sectors), names with blanks, digests that are
// no hexadecimal.
Result<DmTarget> verity_target(const VerityTable& table);

struct VerityStatus {
  // False from the first block on that did not match.
  bool is_intact = true;
  bool is_suspended = false;
  bool is_read_only = false;
  uint32_t open_count = 0;
  uint32_t major = 0;
  uint32_t minor = 0;
};

// Makes the device and starts it; what was made is removed again when a later step fails. EEXIST: the name or UUID is taken;
// EBUSY: a device is in use; EINVAL, EIO, ENOENT as the kernel judges the table (it explains in its log). Sleeps as long as the
// devices take.
Result<VerityStatus> create_verity(const std::string& name, const std::string& uuid, const VerityTable& table);
// ENXIO: no such device. EBADMSG: it is none of dm-verity.
Result<VerityStatus> verity_status(const std::string& name);
// EBUSY while it is open, unless `deferred`: then it goes with its last user. ENXIO: no such device.
Result<void> remove_mapped(const std::string& name, bool deferred);

}  // namespace talos::block
