// System calls on block devices and on files that hold the image of one. All of them sleep for as long as the device takes:
// for the thread pool only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

enum class DeviceAccess {
  kRead,
  kWrite,
  // With O_EXCL: EBUSY while the device, one of its partitions or the disk it is a part of is mounted or otherwise claimed.
  kExclusiveWrite,
};

// ENOTBLK for anything but a block device or a regular file. Never waits for the other end of a FIFO.
Result<UniqueFd> open_device(const std::string& path, DeviceAccess access);
// ENOTBLK for anything else that somebody has opened.
Result<void> check_device(int fd, const std::string& path);

struct DeviceGeometry {
  bool is_block_device = false;  // else a regular file, with sectors of 512 bytes
  bool is_read_only = false;
  uint64_t size_bytes = 0;
  uint32_t logical_sector_bytes = 512;
  uint32_t physical_sector_bytes = 512;
  // Requests of this size (RAID stripe) are best; 0 when the device does not say.
  uint32_t optimal_io_bytes = 0;
  uint32_t major = 0;
  uint32_t minor = 0;
};

// BLKGETSIZE64, BLKSSZGET, BLKPBSZGET, BLKIOOPT, BLKROGET.
Result<DeviceGeometry> device_geometry(int fd, const std::string& path);

// pread(2) of all of `out`: EIO when the device ends before.
Result<void> read_at(int fd, uint64_t offset, std::span<uint8_t> out, const std::string& path);
Result<void> write_at(int fd, uint64_t offset, std::span<const uint8_t> bytes, const std::string& path);
// fsync(2): what was written is on the medium, its cache included.
Result<void> flush_device(int fd, const std::string& path);
// Lets the next reads come from the medium and not from the page cache. Write and flush before. BLKFLSBUF; where the
// CAP_SYS_ADMIN that it wants is missing, posix_fadvise(2), which drops the same pages.
Result<void> drop_device_cache(int fd, bool is_block_device, const std::string& path);

enum class EraseKind { kDiscard, kSecureDiscard, kZero };
// BLKDISCARD, BLKSECDISCARD, BLKZEROOUT. EOPNOTSUPP where the device cannot, EINVAL unless aligned to logical sectors.
Result<void> erase_range(int fd, EraseKind kind, uint64_t offset, uint64_t length, const std::string& path);

// BLKRRPART: EBUSY while a partition is in use, EINVAL on a device that is not searched for any.
Result<void> reread_partitions(int fd, const std::string& path);
// BLKPG, which changes one partition and leaves the others alone. In bytes.
Result<void> add_partition(int fd, int number, uint64_t start, uint64_t length, const std::string& path);
// To another length, from the same start on; also while it is in use, so that it is for the caller not to make one shorter that
// is.
Result<void> resize_partition(int fd, int number, uint64_t start, uint64_t length, const std::string& path);
Result<void> delete_partition(int fd, int number, const std::string& path);

struct KernelPartition {
  int number = 0;
  uint64_t start_bytes = 0;
  uint64_t length_bytes = 0;
  bool operator==(const KernelPartition&) const = default;
};
// What the kernel believes that the disk is divided into, from /sys/dev/block/MAJOR:MINOR.
Result<std::vector<KernelPartition>> kernel_partitions(uint32_t major, uint32_t minor);

// The size of a device as the kernel has it, from /sys/dev/block/MAJOR:MINOR: no node of it is needed, and no right to open one.
Result<uint64_t> device_bytes(uint32_t major, uint32_t minor);

// getrandom(2).
Result<void> fill_random(std::span<uint8_t> out);

}  // namespace talos::sys
