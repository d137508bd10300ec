#include "block/grow.h"

#include <fcntl.h>

#include "sys/block_calls.h"
#include "sys/file_calls.h"
#include "sys/filesystem_calls.h"

namespace talos::block {
namespace {

// What ext4_resize_begin() and ext4_resize_fs() of the kernel (fs/ext4/resize.c) mean by it.
const char* meaning_of(int errno_value) {
  switch (errno_value) {
    case EPERM:
      return "the kernel does not grow a file system that has found faults in itself, nor without CAP_SYS_RESOURCE";
    case EBUSY:
      return "it is being grown already";
    case ENOSPC:
      return "the last block of the device cannot be read, or there is no room for what describes the new blocks";
    case EINVAL:
      return "the kernel cannot give it that many blocks: its inodes would be more than ext4 can count, or its layout does not "
             "go "
             "with it";
    case EOPNOTSUPP:
      return "the kernel cannot grow one with its features";
    case EROFS:
      return "it is read-only";
    default:
      return nullptr;
  }
}

Error explain(Error error) {
  if (const char* meaning = meaning_of(error.errno_value); meaning != nullptr) error.detail += std::string(": ") + meaning;
  return error;
}

}  // namespace

Result<Growth> grow_ext4(int folder_fd) {
  // An ioctl needs more than O_PATH. What is opened is the folder itself, whatever is mounted on its path meanwhile.
  auto folder = sys::open_beneath(folder_fd, ".", O_RDONLY | O_DIRECTORY);
  if (!folder) return folder.error();
  int fd = folder.value().get();
  auto before = sys::filesystem_facts(fd, {});
  if (!before) return before.error();
  // Major 0 is that of file systems without a device.
  if (!before.value().is_ext || before.value().major == 0 || before.value().block_bytes == 0) {
    return Error{ENOTSUP, "ioctl", {}, {}, "only an ext4 on a block device can be grown"};
  }
  Growth growth;
  uint64_t block_bytes = before.value().block_bytes;
  auto device_bytes = sys::device_bytes(before.value().major, before.value().minor);
  if (!device_bytes) return device_bytes.error();
  growth.device_bytes = device_bytes.value();
  growth.from_bytes = before.value().blocks * block_bytes;
  if (auto grown = sys::resize_ext4(fd, growth.device_bytes / block_bytes, {}); !grown) return explain(grown.error());
  auto after = sys::filesystem_facts(fd, {});
  if (!after) return after.error();
  growth.to_bytes = after.value().blocks * block_bytes;
  return growth;
}

}  // namespace talos::block
