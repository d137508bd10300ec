#include "block/superblock.h"

#include "base/crc32.h"

namespace talos::block {
namespace {

Error impossible(const char* what, uint64_t value, uint64_t at) {
  return Error{EBADMSG, "probe", {}, {}, std::string(what) + " of " + std::to_string(value) + " at byte " + std::to_string(at)};
}

// No device is larger: the kernel counts bytes in a signed 64-bit number.
constexpr uint64_t kMaxBytes = INT64_MAX;

// False when blocks * block_bytes is more than any device has.
bool size_of(uint64_t blocks, uint64_t block_bytes, uint64_t& bytes) {
  return !__builtin_mul_overflow(blocks, block_bytes, &bytes) && bytes <= kMaxBytes;
}

Filesystem::Checksum verdict(bool is_right) { return is_right ? Filesystem::Checksum::kValid : Filesystem::Checksum::kWrong; }

std::string serial_text(uint32_t serial) {
  std::string text;
  for (int shift = 28; shift >= 0; shift -= 4) {
    if (shift == 12) text += '-';
    text += "0123456789ABCDEF"[serial >> shift & 15];
  }
  return text;
}

const char* ext_version(uint32_t compatible, uint32_t incompatible, uint32_t read_only) {
  constexpr uint32_t kHasJournal = 0x4;
  // What ext3 knows: filetype, recover, meta_bg; sparse_super, large_file, btree_dir. Anything else makes it an ext4.
  constexpr uint32_t kExt3Incompatible = 0x2 | 0x4 | 0x10;
  constexpr uint32_t kExt3ReadOnly = 0x1 | 0x2 | 0x4;
  if ((incompatible & ~kExt3Incompatible) != 0 || (read_only & ~kExt3ReadOnly) != 0) return "ext4";
  return (compatible & kHasJournal) != 0 ? "ext3" : "ext2";
}

}  // namespace

Probed parse_ext(Bytes sb) {
  constexpr uint32_t k64Bit = 0x80, kJournalDevice = 0x8, kMetadataChecksum = 0x400, kMaxLogBlock = 6;
  if (sb.size() < kExtBytes || le16(sb, 0x38) != 0xef53) return std::optional<Filesystem>{};
  // Revision 0 (1993) has no features, no UUID and no label.
  bool is_dynamic = le32(sb, 0x4c) >= 1;
  uint32_t incompatible = is_dynamic ? le32(sb, 0x60) : 0;
  uint32_t read_only = is_dynamic ? le32(sb, 0x64) : 0;
  if ((incompatible & kJournalDevice) != 0) return std::optional<Filesystem>{};  // the journal of another, no file system
  uint32_t log_block = le32(sb, 0x18);
  if (log_block > kMaxLogBlock) return impossible("ext: log2 of the block size less 10", log_block, kExtOffset + 0x18);
  Filesystem fs;
  fs.type = ext_version(is_dynamic ? le32(sb, 0x5c) : 0, incompatible, read_only);
  fs.block_bytes = uint64_t{1024} << log_block;
  uint64_t blocks = le32(sb, 0x04);
  if ((incompatible & k64Bit) != 0) blocks |= static_cast<uint64_t>(le32(sb, 0x150)) << 32;
  if (blocks == 0 || !size_of(blocks, fs.block_bytes, fs.size_bytes)) {
    return impossible("ext: a number of blocks", blocks, kExtOffset + 0x04);
  }
  if (is_dynamic) {
    fs.uuid = uuid_text(sb.subspan(0x68, 16));
    fs.label = fixed_text(sb.subspan(0x78, 16));
  }
  if ((read_only & kMetadataChecksum) != 0) {
    fs.checksum = verdict(crc32c_raw(~0U, sb.first(0x3fc)) == le32(sb, 0x3fc));
  }
  return std::optional(fs);
}

Probed parse_xfs(Bytes sector) {
  constexpr size_t kCrcAt = 224;
  if (sector.size() < kXfsBytes || be32(sector, 0) != 0x58465342) return std::optional<Filesystem>{};
  Filesystem fs;
  fs.type = "xfs";
  fs.block_bytes = be32(sector, 4);
  if (!is_power_of_two(fs.block_bytes) || fs.block_bytes < 512 || fs.block_bytes > 65536) {
    return impossible("xfs: a block size", fs.block_bytes, 4);
  }
  uint32_t sector_bytes = be16(sector, 102);
  if (!is_power_of_two(sector_bytes) || sector_bytes < 512 || sector_bytes > 32768) {
    return impossible("xfs: a sector size", sector_bytes, 102);
  }
  uint64_t blocks = be64(sector, 8);
  if (blocks == 0 || !size_of(blocks, fs.block_bytes, fs.size_bytes)) return impossible("xfs: a number of blocks", blocks, 8);
  fs.uuid = uuid_text(sector.subspan(32, 16));
  fs.label = fixed_text(sector.subspan(108, 12));
  bool has_checksum = (be16(sector, 100) & 0xf) >= 5;
  if (has_checksum && sector.size() >= sector_bytes) {
    constexpr uint8_t kZeros[4] = {};
    uint32_t crc = crc32c_raw(~0U, sector.first(kCrcAt));
    crc = crc32c_raw(crc, kZeros);
    crc = crc32c_raw(crc, sector.subspan(kCrcAt + 4, sector_bytes - kCrcAt - 4));
    fs.checksum = verdict(~crc == le32(sector, kCrcAt));
  }
  return std::optional(fs);
}

Probed parse_vfat(Bytes boot) {
  if (boot.size() < kVfatBytes) return std::optional<Filesystem>{};
  bool has_boot_mark = boot[510] == 0x55 && boot[511] == 0xaa;
  auto is_type = [&](size_t at, const char* name) { return std::memcmp(boot.data() + at, name, 5) == 0; };
  bool has_name = is_type(0x36, "FAT12") || is_type(0x36, "FAT16") || is_type(0x52, "FAT32");
  if (!has_boot_mark && !has_name) return std::optional<Filesystem>{};

  uint32_t sector_bytes = le16(boot, 11), cluster_sectors = boot[13], reserved = le16(boot, 14), fats = boot[16],
           media = boot[21];
  bool is_plausible = is_power_of_two(sector_bytes) && sector_bytes >= 512 && sector_bytes <= 4096 &&
                      is_power_of_two(cluster_sectors) && reserved > 0 && (fats == 1 || fats == 2) &&
                      (media == 0xf0 || media >= 0xf8);
  if (!is_plausible) return std::optional<Filesystem>{};  // another boot sector: MBR, NTFS, exFAT

  uint64_t sectors = le16(boot, 19) != 0 ? le16(boot, 19) : le32(boot, 32);
  bool is_fat32 = le16(boot, 22) == 0;
  uint64_t fat_sectors = is_fat32 ? le32(boot, 36) : le16(boot, 22);
  uint64_t root_sectors = (le16(boot, 17) * uint64_t{32} + sector_bytes - 1) / sector_bytes;
  uint64_t used = reserved + fats * fat_sectors + root_sectors;
  if (fat_sectors == 0) return impossible("vfat: a table length", 0, 36);
  if (used >= sectors) return impossible("vfat: a number of sectors", sectors, le16(boot, 19) != 0 ? 19 : 32);

  Filesystem fs;
  fs.type = "vfat";
  fs.block_bytes = uint64_t{sector_bytes} * cluster_sectors;
  fs.size_bytes = sectors * sector_bytes;
  size_t extended = is_fat32 ? 66 : 38;
  if (boot[extended] == 0x29) {
    fs.uuid = serial_text(le32(boot, extended + 1));
    fs.label = fixed_text(boot.subspan(extended + 5, 11), true);
    if (fs.label == "NO NAME") fs.label.clear();
  }
  return std::optional(fs);
}

Probed parse_squashfs(Bytes sb) {
  if (sb.size() < kSquashfsBytes || le32(sb, 0) != 0x73717368) return std::optional<Filesystem>{};
  if (le16(sb, 28) != 4) return impossible("squashfs: a version", le16(sb, 28), 28);
  uint32_t log_block = le16(sb, 22);
  Filesystem fs;
  fs.type = "squashfs";
  fs.block_bytes = le32(sb, 12);
  if (log_block < 12 || log_block > 20 || fs.block_bytes != uint64_t{1} << log_block) {
    return impossible("squashfs: a block size", fs.block_bytes, 12);
  }
  fs.size_bytes = le64(sb, 40);
  if (fs.size_bytes < kSquashfsBytes || fs.size_bytes > kMaxBytes) return impossible("squashfs: a size", fs.size_bytes, 40);
  return std::optional(fs);
}

Probed parse_erofs(Bytes sb) {
  constexpr uint32_t kHasChecksum = 0x1;
  if (sb.size() < kErofsBytes || le32(sb, 0) != 0xe0f5e1e2) return std::optional<Filesystem>{};
  uint32_t log_block = sb[12];
  if (log_block < 9 || log_block > 16) return impossible("erofs: log2 of the block size", log_block, kErofsOffset + 12);
  Filesystem fs;
  fs.type = "erofs";
  fs.block_bytes = uint64_t{1} << log_block;
  if (le32(sb, 36) == 0) return impossible("erofs: a number of blocks", 0, kErofsOffset + 36);
  fs.size_bytes = le32(sb, 36) * fs.block_bytes;
  fs.uuid = uuid_text(sb.subspan(48, 16));
  fs.label = fixed_text(sb.subspan(64, 16));
  uint64_t summed = fs.block_bytes > kErofsOffset ? fs.block_bytes - kErofsOffset : fs.block_bytes;
  if ((le32(sb, 8) & kHasChecksum) != 0 && sb.size() >= summed) {
    constexpr uint8_t kZeros[4] = {};
    uint32_t crc = crc32c_raw(crc32c_raw(~0U, sb.first(4)), kZeros);
    fs.checksum = verdict(crc32c_raw(crc, sb.subspan(8, summed - 8)) == le32(sb, 4));
  }
  return std::optional(fs);
}

ProbeResult probe_filesystems(Bytes head) {
  Bytes at_1k = head.size() > kExtOffset ? head.subspan(kExtOffset) : Bytes{};
  ProbeResult result;
  for (auto& probed : {parse_ext(at_1k), parse_xfs(head), parse_vfat(head), parse_squashfs(head), parse_erofs(at_1k)}) {
    if (!probed) {
      result.problems.push_back(probed.error().detail);
    } else if (probed.value().has_value()) {
      result.filesystems.push_back(*probed.value());
    }
  }
  return result;
}

}  // namespace talos::block
