// Partition tables on devices: made, mended, and told to the kernel.
#pragma once

#include "block/device.h"
#include "block/gpt_write.h"

namespace talos::block {

// Opens the device for reading. EBADMSG when there is a table and neither copy is valid.
Result<GptState> read_gpt_of(const std::string& path);

// Makes a table on an empty disk; with `replaces_gpt` on one with a table as well, whose boot code stays and whose contents are
// not wiped. Identifiers that are zero are made at random. EEXIST names what is on the disk that is not empty; EBUSY while it is
// in use. Reads back what the medium has, and returns that.
Result<GptState> create_gpt(const std::string& path, std::vector<GptPartitionRequest> partitions, Guid disk_id,
                            bool replaces_gpt);

// Writes both copies and the protective MBR again from the copy that counts, byte for byte, the bad one first. ENOENT without a
// table. Puts the backup to the end of a disk that has grown; does not make more of it usable.
Result<GptState> repair_gpt(const std::string& path);

// Changes partitions of a table in place. The table may be damaged in one copy, or the disk have grown: both are mended with it.
// ENOENT without a table, or for a number without a partition. EBUSY while the disk is in use, unless the caller says that it may
// be: a table is no part of any partition.
Result<GptState> change_gpt(const std::string& path, const std::vector<GptChange>& changes, bool may_be_in_use = false);

struct PartitionChanges {
  std::vector<int> deleted;
  // They only became longer, which hurts nobody who uses them.
  std::vector<sys::KernelPartition> grown;
  std::vector<sys::KernelPartition> added;
};
// Pure: what turns the kernel's partitions into those of the table. One that is the same in both is left alone.
PartitionChanges plan_partition_changes(const std::vector<sys::KernelPartition>& kernel,
                                        const std::vector<sys::KernelPartition>& wanted);

struct PartitionSync {
  // The kernel read the table again as a whole; false while a partition is in use, and for loop devices.
  bool was_reread = false;
  PartitionChanges changes;
};
// Makes the kernel's partitions those of the table: BLKRRPART, then BLKPG for whatever still differs (a partition in use forbade
// it, a loop device is not searched, or the kernel does not go by a backup). EINVAL for what takes no partitions. EBUSY when a
// partition in use would have to move, become shorter, or go. A disk without any table has no partitions; ENOENT for one with a
// table of another kind.
Result<PartitionSync> sync_partitions(const std::string& path);

}  // namespace talos::block
