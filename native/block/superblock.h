// File systems told by their superblocks. Pure functions over byte spans that believe nothing they read.
//
// Each takes the bytes from where its superblock begins and answers: nothing (another or no file system), a description, or
// EBADMSG when the magic is there and the rest cannot be true; `detail` says what, and at which byte of the device. Sources:
// Documentation/filesystems of the kernel (ext4, erofs, squashfs), the XFS on-disk format document, Microsoft's FAT
// specification.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "block/source.h"

namespace talos::block {

struct Filesystem {
  enum class Checksum { kNone, kValid, kWrong };
  // 'ext2' 'ext3' 'ext4' 'xfs' 'vfat' 'squashfs' 'erofs'
  const char* type = "";
  // Bytes of the superblock, in whatever encoding the maker of the file system used.
  std::string label;
  // Lower-case with hyphens; 'ABCD-1234' for vfat; empty for squashfs, which has none.
  std::string uuid;
  uint64_t block_bytes = 0;
  // As the file system says; may be more than the device has when it was cut off.
  uint64_t size_bytes = 0;
  // Of the superblock, where the format has one.
  Checksum checksum = Checksum::kNone;
};

using Probed = Result<std::optional<Filesystem>>;

constexpr uint64_t kExtOffset = 1024;
constexpr size_t kExtBytes = 1024;
Probed parse_ext(Bytes superblock);

// The checksum is over the whole first sector, at most 32 KiB; with less given it stays unchecked (kNone).
constexpr size_t kXfsBytes = 272;
Probed parse_xfs(Bytes first_sector);

// Has no magic: the BIOS parameter block must be plausible in every field, with the boot mark or the type's name beside it.
constexpr size_t kVfatBytes = 512;
Probed parse_vfat(Bytes boot_sector);

constexpr size_t kSquashfsBytes = 96;
Probed parse_squashfs(Bytes superblock);

// The checksum is over the rest of the first block (at most 64 KiB); with less given it stays unchecked (kNone).
constexpr uint64_t kErofsOffset = 1024;
constexpr size_t kErofsBytes = 128;
Probed parse_erofs(Bytes superblock);

// The start of a device: enough for all of the above.
constexpr size_t kHeadBytes = 68 * 1024;

struct ProbeResult {
  // Usually none or one. More than one is the caller's to judge: something was not wiped.
  std::vector<Filesystem> filesystems;
  // What has a known magic and cannot be true, a sentence each.
  std::vector<std::string> problems;
};
// All parsers over the first bytes of a device.
ProbeResult probe_filesystems(Bytes head);

}  // namespace talos::block
