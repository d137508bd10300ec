// The marks that are plain bytes at a fixed offset. Sources: the kernel's headers of each format (include/uapi/linux/magic.h and
// the file systems' own), and the format documents of LUKS, LVM2, VDO, Stratis, Ceph and bcache.
#pragma once

#include <cstdint>
#include <string_view>

namespace talos::block {

struct Mark {
  const char* name;
  const char* usage;
  uint64_t offset;
  std::string_view bytes;
};

using namespace std::literals;

constexpr uint64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB;

inline constexpr Mark kMarks[] = {
    {"ext", "filesystem", 1080, "\x53\xef"sv},
    {"xfs", "filesystem", 0, "XFSB"sv},
    {"squashfs", "filesystem", 0, "hsqs"sv},
    {"erofs", "filesystem", 1024, "\xe2\xe1\xf5\xe0"sv},
    {"btrfs", "filesystem", 64 * kKiB + 64, "_BHRfS_M"sv},
    {"btrfs", "filesystem", 64 * kMiB + 64, "_BHRfS_M"sv},
    {"btrfs", "filesystem", 256 * kGiB + 64, "_BHRfS_M"sv},
    {"f2fs", "filesystem", 1024, "\x10\x20\xf5\xf2"sv},
    {"f2fs", "filesystem", 5120, "\x10\x20\xf5\xf2"sv},
    {"ntfs", "filesystem", 3, "NTFS    "sv},
    {"exfat", "filesystem", 3, "EXFAT   "sv},
    {"vfat", "filesystem", 54, "FAT12   "sv},
    {"vfat", "filesystem", 54, "FAT16   "sv},
    {"vfat", "filesystem", 82, "FAT32   "sv},
    {"iso9660", "filesystem", 32769, "CD001"sv},
    {"udf", "filesystem", 32769, "BEA01"sv},
    {"reiserfs", "filesystem", 64 * kKiB + 52, "ReIsEr"sv},
    {"jfs", "filesystem", 32 * kKiB, "JFS1"sv},
    {"nilfs2", "filesystem", 1030, "\x34\x34"sv},
    {"apfs", "filesystem", 32, "NXSB"sv},
    {"hfsplus", "filesystem", 1024, "H+\0\x04"sv},
    {"cramfs", "filesystem", 0, "\x45\x3d\xcd\x28"sv},
    {"romfs", "filesystem", 0, "-rom1fs-"sv},
    {"gfs2", "filesystem", 64 * kKiB, "\x01\x16\x19\x70"sv},
    {"ocfs2", "filesystem", 1 * kKiB, "OCFSV2"sv},
    {"ocfs2", "filesystem", 2 * kKiB, "OCFSV2"sv},
    {"ocfs2", "filesystem", 4 * kKiB, "OCFSV2"sv},
    {"ocfs2", "filesystem", 8 * kKiB, "OCFSV2"sv},
    {"bcachefs", "filesystem", 4 * kKiB + 24, "\xc6\x85\x73\xf6\x66\xce\x90\xa9\xd9\x6a\x60\xcf\x80\x3d\xf7\xef"sv},
    // Also of bcachefs before it had a magic of its own.
    {"bcache", "cache", 4 * kKiB + 24, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81"sv},
    {"ceph-bluestore", "volume", 0, "bluestore block device"sv},
    {"vdo", "volume", 0, "dmvdo001"sv},
    {"stratis", "volume", 516, "!Stra0tis\x86\xff\x02^\x41rh"sv},
    {"verity", "crypto", 0, "verity\0\0"sv},
    {"integrity", "crypto", 0, "integrt\0"sv},
    {"bitlocker", "crypto", 3, "-FVE-FS-"sv},
    {"luks", "crypto", 0, "LUKS\xba\xbe"sv},
    // The second header of LUKS2, at the sizes that the first may have: enough to bring the volume back.
    {"luks", "crypto", 16 * kKiB, "SKUL\xba\xbe"sv},
    {"luks", "crypto", 32 * kKiB, "SKUL\xba\xbe"sv},
    {"luks", "crypto", 64 * kKiB, "SKUL\xba\xbe"sv},
    {"luks", "crypto", 128 * kKiB, "SKUL\xba\xbe"sv},
    {"luks", "crypto", 256 * kKiB, "SKUL\xba\xbe"sv},
    {"luks", "crypto", 512 * kKiB, "SKUL\xba\xbe"sv},
    {"luks", "crypto", 1 * kMiB, "SKUL\xba\xbe"sv},
    {"luks", "crypto", 2 * kMiB, "SKUL\xba\xbe"sv},
    {"luks", "crypto", 4 * kMiB, "SKUL\xba\xbe"sv},
    // The label may be in any of the first four sectors.
    {"lvm2", "volume", 0, "LABELONE"sv},
    {"lvm2", "volume", 512, "LABELONE"sv},
    {"lvm2", "volume", 1024, "LABELONE"sv},
    {"lvm2", "volume", 1536, "LABELONE"sv},
    // The last ten bytes of the first page, whatever size pages have; the others are what hibernation puts there.
    {"swap", "swap", 4 * kKiB - 10, "SWAPSPACE2"sv},
    {"swap", "swap", 8 * kKiB - 10, "SWAPSPACE2"sv},
    {"swap", "swap", 16 * kKiB - 10, "SWAPSPACE2"sv},
    {"swap", "swap", 32 * kKiB - 10, "SWAPSPACE2"sv},
    {"swap", "swap", 64 * kKiB - 10, "SWAPSPACE2"sv},
    {"swap", "swap", 4 * kKiB - 10, "SWAP-SPACE"sv},
    {"swap", "swap", 8 * kKiB - 10, "SWAP-SPACE"sv},
    {"hibernation", "swap", 4 * kKiB - 10, "S1SUSPEND"sv},
    {"hibernation", "swap", 4 * kKiB - 10, "S2SUSPEND"sv},
    {"hibernation", "swap", 4 * kKiB - 10, "ULSUSPEND"sv},
    {"hibernation", "swap", 4 * kKiB - 10, "LINHIB0001"sv},
    {"hibernation", "swap", 16 * kKiB - 10, "S1SUSPEND"sv},
    {"hibernation", "swap", 64 * kKiB - 10, "S1SUSPEND"sv},
    // The boot mark: a DOS table, a protective one, or the boot sector of a file system.
    {"mbr", "table", 510, "\x55\xaa"sv},
    // In the second sector, whatever the size of sectors was when it was written.
    {"gpt", "table", 512, "EFI PART"sv},
    {"gpt", "table", 4 * kKiB, "EFI PART"sv},
};

}  // namespace talos::block
