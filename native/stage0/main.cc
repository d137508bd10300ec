// stage0: the first program of user space, /init of the initramfs. It brings the root image up and becomes PID 1 proper by
// executing /sbin/init from it. Small, static, nothing to configure; every step is a line in the kernel log, every failure says
// what and why.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "stage0/cgroup.h"
#include "stage0/failure.h"
#include "stage0/log.h"
#include "stage0/memory.h"
#include "stage0/root_image.h"
#include "stage0/switch_root.h"

namespace talos::stage0 {
namespace {

constexpr const char* kRootImage = "/rootfs.img";
constexpr const char* kNewRoot = "/root";
constexpr const char* kInit = "/sbin/init";

struct PseudoFileSystem {
  const char* type;
  const char* target;
  unsigned long flags;
  const char* options;
};

// /dev comes first because the log is in it. No nodev there, of course; noexec and nosuid everywhere.
constexpr PseudoFileSystem kPseudoFileSystems[] = {
    {"devtmpfs", "/dev", MS_NOSUID | MS_NOEXEC, "mode=0755"},
    {"proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr},
    {"sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr},
};

void ensure_directory(const char* path) noexcept {
  if (mkdir(path, 0755) < 0 && errno != EEXIST) fail("make the directory", path, errno);
}

// The kernel gives /init the console as descriptors 0, 1 and 2, unless it could not open one; PID 1 must never find them closed,
// because the next file it opens would then be written to by everything that prints.
void ensure_standard_descriptors() noexcept {
  for (int fd = 0; fd <= STDERR_FILENO; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free number is `fd`, since all below it are open.
    if (open("/dev/console", O_RDWR | O_NOCTTY) < 0 && open("/dev/null", O_RDWR) < 0) fail("open", "/dev/null", errno);
  }
}

void mount_pseudo_file_systems() noexcept {
  for (const PseudoFileSystem& each : kPseudoFileSystems) {
    ensure_directory(each.target);
    if (mount(each.type, each.target, each.type, each.flags, each.options) < 0) fail("mount", each.target, errno);
    if (&each == &kPseudoFileSystems[0]) {
      ensure_standard_descriptors();
      open_log();
    }
  }
  show_on_console();
  log_info("started: /dev, /proc and /sys mounted");
}

[[noreturn]] void start_init() noexcept {
  const char* const argv[] = {kInit, nullptr};
  // The kernel turns unknown command line words into environment variables of /init; none of them reaches PID 1.
  const char* const environment[] = {"PATH=/usr/bin:/sbin", nullptr};
  log_info("starting ", kInit);
  execve(kInit, const_cast<char* const*>(argv), const_cast<char* const*>(environment));
  fail("start", kInit, errno);
}

}  // namespace
}  // namespace talos::stage0

int main() {
  using namespace talos::stage0;
  umask(022);
  mount_pseudo_file_systems();
  check_memory();
  enter_init_group();
  ensure_directory(kNewRoot);
  mount_root_image(kRootImage, kNewRoot);
  switch_root(kNewRoot);
  start_init();
}
