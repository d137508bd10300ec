#include "stage0/cgroup.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/unique_fd.h"
#include "stage0/log.h"

namespace talos::stage0 {
namespace {

constexpr const char* kMountPoint = "/sys/fs/cgroup";
constexpr const char* kGroup = "/sys/fs/cgroup/init";

bool put(const char* path, const char* text) noexcept {
  UniqueFd file(open(path, O_WRONLY | O_CLOEXEC));
  return file && write(file.get(), text, strlen(text)) >= 0;
}

}  // namespace

void enter_init_group() noexcept {
  const char* step = nullptr;
  // PID 1 sets the options of the mount anew, as those of the others.
  if (mount("cgroup2", kMountPoint, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) < 0) {
    step = "mount /sys/fs/cgroup";
  } else if (!put("/sys/fs/cgroup/cgroup.subtree_control", "+memory")) {
    step = "enable the memory controller";
  } else if (mkdir(kGroup, 0755) < 0 && errno != EEXIST) {
    step = "make the group init";
  } else if (!put("/sys/fs/cgroup/init/cgroup.procs", "0")) {
    step = "enter the group init";
  }
  if (step == nullptr) return;
  char reason[128];
  snprintf(reason, sizeof reason, "%s: %s", step, strerror(errno));
  log_error("the pages that PID 1 starts with are not protected from reclaim: cannot ", reason);
}

}  // namespace talos::stage0
