#include "stage0/root_image.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/unique_fd.h"
#include "stage0/failure.h"
#include "stage0/log.h"

namespace talos::stage0 {
namespace {

constexpr std::string_view kSquashfsMagic = "hsqs";  // at 0
constexpr std::string_view kErofsMagic = "\xe2\xe1\xf5\xe0";
constexpr size_t kErofsOffset = 1024;

struct LoopDevice {
  char path[24];
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

}  // namespace

std::string_view file_system_of(std::string_view head) noexcept {
  if (head.starts_with(kSquashfsMagic)) return "squashfs";
  if (head.size() >= kErofsOffset && head.substr(kErofsOffset).starts_with(kErofsMagic)) return "erofs";
  return {};
}

void mount_root_image(const char* image, const char* target) noexcept {
  UniqueFd file(open(image, O_RDONLY | O_CLOEXEC));
  if (!file) fail("open", image, errno);
  char head[kHeadBytes];
  ssize_t size = pread(file.get(), head, sizeof head, 0);
  if (size < 0) fail("read", image, errno);
  std::string_view type = file_system_of({head, static_cast<size_t>(size)});
  if (type.empty()) fail("recognise", image, 0);

  LoopDevice device = free_loop_device();
  loop_config config = {};
  config.fd = static_cast<__u32>(file.get());
  config.block_size = 4096;  // a page: the image's blocks are multiples of it, and the kernel merges less
  // Autoclear: the device lives as long as the mount does, and nothing has to be taken apart at shutdown.
  config.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
  strncpy(reinterpret_cast<char*>(config.info.lo_file_name), image, LO_NAME_SIZE - 1);
  if (ioctl(device.fd.get(), LOOP_CONFIGURE, &config) < 0) fail("attach the root image to", device.path, errno);

  if (mount(device.path, target, type.data(), MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr) < 0) {
    fail("mount the root image from", device.path, errno);
  }
  log_info("root image mounted read-only: ", type);
}

}  // namespace talos::stage0
