#include "sys/block_calls.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <charconv>
#include <memory>

namespace talos::sys {
namespace {

// The unit of `start` and `size` in sysfs, whatever the sector size of the device.
constexpr uint64_t kSysfsSectorBytes = 512;

// Which of the requests it was becomes the `detail`.
Error ioctl_error(const char* request, const std::string& path) {
  Error error = last_error("ioctl", path);
  error.detail = request;
  return error;
}

int open_flags(DeviceAccess access) {
  int base = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  switch (access) {
    case DeviceAccess::kRead:
      return base | O_RDONLY;
    case DeviceAccess::kWrite:
      return base | O_RDWR;
    case DeviceAccess::kExclusiveWrite:
      return base | O_RDWR | O_EXCL;
  }
  return base;
}

Result<void> change_partition(int fd, int operation, struct blkpg_partition& partition, const std::string& path) {
  struct blkpg_ioctl_arg argument = {operation, 0, sizeof partition, &partition};
  if (::ioctl(fd, BLKPG, &argument) == 0) return {};
  const char* request = operation == BLKPG_ADD_PARTITION      ? "BLKPG_ADD_PARTITION"
                        : operation == BLKPG_RESIZE_PARTITION ? "BLKPG_RESIZE_PARTITION"
                                                              : "BLKPG_DEL_PARTITION";
  Error error = ioctl_error(request, path);
  error.detail += " of partition " + std::to_string(partition.pno);
  return error;
}

struct blkpg_partition partition_at(int number, uint64_t start, uint64_t length) {
  struct blkpg_partition partition = {};
  partition.start = static_cast<long long>(start);
  partition.length = static_cast<long long>(length);
  partition.pno = number;
  return partition;
}

// A decimal number in a file of sysfs; ENOENT where there is none.
Result<uint64_t> read_number(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return last_error("open", path);
  char text[32];
  ssize_t got;
  do {
    got = ::read(fd.get(), text, sizeof text);
  } while (got == -1 && errno == EINTR);
  if (got == -1) return last_error("read", path);
  uint64_t number = 0;
  if (std::from_chars(text, text + got, number).ec != std::errc{}) return Error{EBADMSG, "read", path, {}, {}};
  return number;
}

std::string sysfs_folder(uint32_t major, uint32_t minor) {
  return "/sys/dev/block/" + std::to_string(major) + ":" + std::to_string(minor);
}

}  // namespace

Result<UniqueFd> open_device(const std::string& path, DeviceAccess access) {
  int number;
  do {
    number = ::open(path.c_str(), open_flags(access));
  } while (number == -1 && errno == EINTR);
  if (number == -1) return last_error("open", path);
  UniqueFd fd(number);
  if (auto checked = check_device(fd.get(), path); !checked) return checked.error();
  return fd;
}

Result<void> check_device(int fd, const std::string& path) {
  struct stat status;
  if (::fstat(fd, &status) == -1) return last_error("fstat", path);
  if (!S_ISBLK(status.st_mode) && !S_ISREG(status.st_mode)) return Error{ENOTBLK, "open", path, {}, {}};
  return {};
}

Result<DeviceGeometry> device_geometry(int fd, const std::string& path) {
  DeviceGeometry geometry;
  struct stat status;
  if (::fstat(fd, &status) == -1) return last_error("fstat", path);
  if (!S_ISBLK(status.st_mode)) {
    geometry.size_bytes = static_cast<uint64_t>(status.st_size);
    return geometry;
  }
  geometry.is_block_device = true;
  geometry.major = major(status.st_rdev);
  geometry.minor = minor(status.st_rdev);
  int logical = 0;
  unsigned int physical = 0;
  unsigned int optimal = 0;
  int read_only = 0;
  if (::ioctl(fd, BLKGETSIZE64, &geometry.size_bytes) == -1) return ioctl_error("BLKGETSIZE64", path);
  if (::ioctl(fd, BLKSSZGET, &logical) == -1) return ioctl_error("BLKSSZGET", path);
  if (::ioctl(fd, BLKPBSZGET, &physical) == -1) return ioctl_error("BLKPBSZGET", path);
  if (::ioctl(fd, BLKIOOPT, &optimal) == -1) return ioctl_error("BLKIOOPT", path);
  if (::ioctl(fd, BLKROGET, &read_only) == -1) return ioctl_error("BLKROGET", path);
  geometry.logical_sector_bytes = static_cast<uint32_t>(logical);
  geometry.physical_sector_bytes = physical;
  geometry.optimal_io_bytes = optimal;
  geometry.is_read_only = read_only != 0;
  return geometry;
}

Result<void> read_at(int fd, uint64_t offset, std::span<uint8_t> out, const std::string& path) {
  size_t done = 0;
  while (done < out.size()) {
    ssize_t got = ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got == -1 && errno == EINTR) continue;
    if (got > 0) {
      done += static_cast<size_t>(got);
      continue;
    }
    Error error = got == 0 ? Error{EIO, "pread", path, {}, {}} : last_error("pread", path);
    error.detail = "at byte " + std::to_string(offset + done);
    return error;
  }
  return {};
}

Result<void> write_at(int fd, uint64_t offset, std::span<const uint8_t> bytes, const std::string& path) {
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t put = ::pwrite(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (put == -1 && errno == EINTR) continue;
    if (put > 0) {
      done += static_cast<size_t>(put);
      continue;
    }
    Error error = put == 0 ? Error{ENOSPC, "pwrite", path, {}, {}} : last_error("pwrite", path);
    error.detail = "at byte " + std::to_string(offset + done);
    return error;
  }
  return {};
}

Result<void> flush_device(int fd, const std::string& path) {
  // Not again after EINTR: an error of earlier writes is reported once only, and a second call would not see it.
  if (::fsync(fd) == -1) return last_error("fsync", path);
  return {};
}

Result<void> drop_device_cache(int fd, bool is_block_device, const std::string& path) {
  if (is_block_device) {
    if (::ioctl(fd, BLKFLSBUF, 0) == 0) return {};
    if (errno != EACCES && errno != EPERM) return ioctl_error("BLKFLSBUF", path);
  }
  if (int code = ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); code != 0) return Error{code, "posix_fadvise", path, {}, {}};
  return {};
}

Result<void> erase_range(int fd, EraseKind kind, uint64_t offset, uint64_t length, const std::string& path) {
  uint64_t range[2] = {offset, length};
  switch (kind) {
    case EraseKind::kDiscard:
      if (::ioctl(fd, BLKDISCARD, range) == -1) return ioctl_error("BLKDISCARD", path);
      break;
    case EraseKind::kSecureDiscard:
      if (::ioctl(fd, BLKSECDISCARD, range) == -1) return ioctl_error("BLKSECDISCARD", path);
      break;
    case EraseKind::kZero:
      if (::ioctl(fd, BLKZEROOUT, range) == -1) return ioctl_error("BLKZEROOUT", path);
      break;
  }
  return {};
}

Result<void> reread_partitions(int fd, const std::string& path) {
  if (::ioctl(fd, BLKRRPART, 0) == -1) return ioctl_error("BLKRRPART", path);
  return {};
}

Result<void> add_partition(int fd, int number, uint64_t start, uint64_t length, const std::string& path) {
  struct blkpg_partition partition = partition_at(number, start, length);
  return change_partition(fd, BLKPG_ADD_PARTITION, partition, path);
}

Result<void> resize_partition(int fd, int number, uint64_t start, uint64_t length, const std::string& path) {
  struct blkpg_partition partition = partition_at(number, start, length);
  return change_partition(fd, BLKPG_RESIZE_PARTITION, partition, path);
}

Result<void> delete_partition(int fd, int number, const std::string& path) {
  struct blkpg_partition partition = {};
  partition.pno = number;
  return change_partition(fd, BLKPG_DEL_PARTITION, partition, path);
}

Result<std::vector<KernelPartition>> kernel_partitions(uint32_t major, uint32_t minor) {
  std::string folder = sysfs_folder(major, minor);
  std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder.c_str()), ::closedir);
  if (!entries) return last_error("opendir", folder);
  std::vector<KernelPartition> partitions;
  for (;;) {
    errno = 0;
    struct dirent* entry = ::readdir(entries.get());
    if (entry == nullptr && errno != 0) return last_error("readdir", folder);
    if (entry == nullptr) return partitions;
    std::string base = folder + "/" + entry->d_name;
    if (entry->d_name[0] == '.' || ::access((base + "/partition").c_str(), F_OK) != 0) continue;
    auto number = read_number(base + "/partition");
    auto start = read_number(base + "/start");
    auto size = read_number(base + "/size");
    if (!number) return number.error();
    if (!start) return start.error();
    if (!size) return size.error();
    partitions.push_back({static_cast<int>(number.value()), start.value() * kSysfsSectorBytes, size.value() * kSysfsSectorBytes});
  }
}

Result<uint64_t> device_bytes(uint32_t major, uint32_t minor) {
  auto sectors = read_number(sysfs_folder(major, minor) + "/size");
  if (!sectors) return sectors.error();
  return sectors.value() * kSysfsSectorBytes;
}

Result<void> fill_random(std::span<uint8_t> out) {
  size_t done = 0;
  while (done < out.size()) {
    ssize_t got = ::getrandom(out.data() + done, out.size() - done, 0);
    if (got == -1 && errno == EINTR) continue;
    if (got == -1) return last_error("getrandom");
    done += static_cast<size_t>(got);
  }
  return {};
}

}  // namespace talos::sys
