// What is on a device, and removing the marks of what is.
#pragma once

#include "block/device.h"
#include "block/signature.h"
#include "block/superblock.h"

namespace talos::block {

struct Inspection {
  uint64_t size_bytes = 0;
  std::vector<Signature> signatures;
  std::vector<Filesystem> filesystems;
  std::vector<std::string> problems;
  // Nothing of the table of signatures is there. The only thing that makes a disk one to be taken.
  bool is_empty = false;
  // Moreover its first 68 KiB are zeros: data without a known mark (plain dm-crypt, a raw database) is unlikely.
  bool is_blank = false;
};

Result<Inspection> inspect(const ByteSource& source);
// Reads the device. One whose medium is missing is an error (ENOMEDIUM), never empty.
Result<Inspection> inspect_device(DeviceTarget target);

// Zeroes the bytes of all marks and nothing else, flushes, reads the medium again, and goes on until nothing is found there: what
// was zeroed. EBUSY while it is in use; EIO with the name of the mark when the device does not keep what is written.
Result<std::vector<Signature>> wipe_signatures(DeviceTarget target);

}  // namespace talos::block
