#include "stage0/root_image.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/unique_fd.h"
#include "stage0/command_line.h"
#include "stage0/failure.h"
#include "stage0/log.h"
#include "stage0/partition.h"
#include "stage0/verity.h"

namespace talos::stage0 {
namespace {

constexpr std::string_view kSquashfsMagic = "hsqs";  // at 0
constexpr std::string_view kErofsMagic = "\xe2\xe1\xf5\xe0";
constexpr size_t kErofsOffset = 1024;
// squashfs: bytes used, as a number of 8 bytes. erofs: its blocks (4 bytes) and their size, as a power of two (1 byte).
constexpr size_t kSquashfsBytesUsed = 40;
constexpr size_t kErofsBlockBits = kErofsOffset + 12;
constexpr size_t kErofsBlocks = kErofsOffset + 36;
// One block of the squashfs image (lib/image/squashfs.ts), in the sectors of 512 bytes that BLKRASET counts in.
constexpr unsigned long kReadAheadSectors = 64;
constexpr std::string_view kByLabel = "PARTLABEL=";

template <typename T>
T number_at(std::string_view bytes, size_t offset) noexcept {
  T value;
  memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

uint64_t whole_blocks(uint64_t bytes) noexcept { return (bytes + kVerityBlockBytes - 1) / kVerityBlockBytes * kVerityBlockBytes; }

struct LoopDevice {
  char path[24] = {};
  UniqueFd fd;
};

LoopDevice free_loop_device() noexcept {
  UniqueFd control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control) fail("open", "/dev/loop-control", errno);
  int number = ioctl(control.get(), LOOP_CTL_GET_FREE);
  if (number < 0) fail("find a free loop device", "", errno);
  LoopDevice device;
  snprintf(device.path, sizeof device.path, "/dev/loop%d", number);
  // Read-only: the kernel mounts no device that somebody has open for writing (CONFIG_BLK_DEV_WRITE_MOUNTED is off).
  device.fd.reset(open(device.path, O_RDONLY | O_CLOEXEC));
  if (!device.fd) fail("open", device.path, errno);
  return device;
}

void attach(const LoopDevice& device, int file_fd, const char* name) noexcept {
  loop_config config = {};
  config.fd = static_cast<__u32>(file_fd);
  config.block_size = kVerityBlockBytes;
  // Autoclear: the device lives as long as what is on it, and nothing has to be taken apart at shutdown.
  config.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
  strncpy(reinterpret_cast<char*>(config.info.lo_file_name), name, LO_NAME_SIZE - 1);
  if (ioctl(device.fd.get(), LOOP_CONFIGURE, &config) < 0) fail("attach the root image to", device.path, errno);
}

// What runs from the image is one large program, of which pages are wanted here and there: what is read ahead around each of them
// is hashed and unpacked for nothing. Only speed is at stake, so a failure is no more than a line in the log.
void limit_read_ahead(const std::string& device) noexcept {
  UniqueFd fd(open(device.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ioctl(fd.get(), BLKRASET, kReadAheadSectors) < 0) log_info("read-ahead of the root image is not limited: ", device);
}

}  // namespace

RootFileSystem file_system_of(std::string_view head) noexcept {
  if (head.size() < kHeadBytes) return {};
  if (head.starts_with(kSquashfsMagic)) return {"squashfs", whole_blocks(number_at<uint64_t>(head, kSquashfsBytesUsed))};
  if (head.substr(kErofsOffset).starts_with(kErofsMagic)) {
    unsigned bits = number_at<uint8_t>(head, kErofsBlockBits);
    if (bits < 9 || bits > 16) return {};
    return {"erofs", whole_blocks(uint64_t{number_at<uint32_t>(head, kErofsBlocks)} << bits)};
  }
  return {};
}

void mount_root_image(const char* image, const char* target) noexcept {
  std::string_view wanted = parameter(boot_command_line(), "root=");
  bool has_name = wanted.starts_with(kByLabel) && wanted.size() > kByLabel.size();
  if (!wanted.empty() && !has_name) fail("find the root image: root= is no PARTLABEL=NAME:", wanted, 0);
  auto [source, file] = wanted.empty() ? Partition{image, UniqueFd(open(image, O_RDONLY | O_CLOEXEC))}
                                       : find_partition(wanted.substr(kByLabel.size()));
  if (!file) fail("open the root image", source, errno);
  char head[kHeadBytes];
  ssize_t size = pread(file.get(), head, sizeof head, 0);
  if (size < 0) fail("read the root image", source, errno);
  RootFileSystem root = file_system_of({head, static_cast<size_t>(size)});
  if (root.type.empty()) fail("recognise the root image", source, 0);

  LoopDevice loop;
  std::string device = source;
  if (wanted.empty()) {
    loop = free_loop_device();
    attach(loop, file.get(), image);
    device = loop.path;
  }
  std::string verified = open_verity(device, file.get(), root.bytes, parameter(boot_command_line(), "roothash="));
  limit_read_ahead(verified);
  if (mount(verified.c_str(), target, root.type.data(), MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr) < 0) {
    fail("mount the root image from", verified, errno);
  }
  log_info("root image mounted read-only: ", root.type);
}

}  // namespace talos::stage0
