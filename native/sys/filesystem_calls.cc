#include "sys/filesystem_calls.h"

#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

namespace talos::sys {
namespace {

// linux/ext4.h has it, which is younger than the headers of older distributions. The kernel's own number, and so for good.
constexpr unsigned long kExt4ResizeFs = _IOW('f', 16, uint64_t);

}  // namespace

Result<FilesystemFacts> filesystem_facts(int fd, const std::string& path) {
  struct stat status;
  struct statfs sizes;
  if (::fstat(fd, &status) == -1) return last_error("fstat", path);
  if (::fstatfs(fd, &sizes) == -1) return last_error("fstatfs", path);
  FilesystemFacts facts;
  facts.is_ext = sizes.f_type == EXT4_SUPER_MAGIC;
  facts.block_bytes = static_cast<uint32_t>(sizes.f_bsize);
  facts.blocks = sizes.f_blocks;
  facts.major = major(status.st_dev);
  facts.minor = minor(status.st_dev);
  return facts;
}

Result<void> resize_ext4(int fd, uint64_t blocks, const std::string& path) {
  if (::ioctl(fd, kExt4ResizeFs, &blocks) == 0) return {};
  Error error = last_error("ioctl", path);
  error.detail = "EXT4_IOC_RESIZE_FS";
  return error;
}

}  // namespace talos::sys
