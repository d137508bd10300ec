#include "stage0/partition.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "stage0/failure.h"
#include "stage0/log.h"

namespace talos::stage0 {
namespace {

constexpr const char* kBlockDevices = "/sys/class/block";
constexpr const char* kDevices = "/dev";
constexpr int64_t kPatienceMs = 10'000;
constexpr size_t kUeventBytes = 4096;  // of a file or a message: what the kernel has room for is half of that

int64_t now_ms() noexcept {
  timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// Opened before the devices are listed, so that none appears unseen in between.
UniqueFd open_uevents() noexcept {
  UniqueFd socket_fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT));
  if (!socket_fd) fail("open", "a socket for uevents", errno);
  sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1;  // what the kernel itself says
  if (bind(socket_fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) fail("listen to", "uevents", errno);
  return socket_fd;
}

// Until something happened to some device, or the time is over.
void await_uevent(int socket_fd, int64_t deadline_ms) noexcept {
  int64_t left = deadline_ms - now_ms();
  pollfd waiting = {socket_fd, POLLIN, 0};
  if (left <= 0 || poll(&waiting, 1, static_cast<int>(left)) <= 0) return;
  char bytes[kUeventBytes];
  // What it says does not matter, nor whether some were lost: all devices are looked at again.
  while (recv(socket_fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0 || errno == ENOBUFS) continue;
}

}  // namespace

std::string_view uevent_value(std::string_view text, std::string_view key) noexcept {
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at);
    if (end == std::string_view::npos) end = text.size();
    std::string_view line = text.substr(at, end - at);
    if (line.starts_with(key)) return line.substr(key.size());
    at = end + 1;
  }
  return {};
}

Candidates look_for(std::string_view name, const std::string& classes, const std::string& devices) noexcept {
  Candidates found;
  DIR* entries = opendir(classes.c_str());
  if (entries == nullptr) fail("list", classes, errno);
  while (dirent* entry = readdir(entries)) {
    if (entry->d_name[0] == '.') continue;
    std::string path = classes + "/" + entry->d_name + "/uevent";
    UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char bytes[kUeventBytes];
    ssize_t size = file ? read(file.get(), bytes, sizeof bytes) : -1;
    // A device that has gone since is no candidate.
    if (size < 0) continue;
    std::string_view text(bytes, static_cast<size_t>(size));
    if (uevent_value(text, "PARTNAME=") != name) continue;
    found.paths += (found.count++ == 0 ? "" : " and ") + devices + "/" + std::string(uevent_value(text, "DEVNAME="));
  }
  closedir(entries);
  if (found.count != 1) return found;
  found.fd.reset(open(found.paths.c_str(), O_RDONLY | O_CLOEXEC));
  if (!found.fd) found.error_number = errno;
  return found;
}

Partition find_partition(std::string_view name) noexcept {
  UniqueFd uevents = open_uevents();
  int64_t deadline_ms = now_ms() + kPatienceMs;
  bool is_waiting = false;
  for (;;) {
    // The kernel lists a partition a moment before it can be opened (add_partition() in block/partitions/core.c), and its uevent
    // comes behind both: one that cannot be opened is not there yet.
    Candidates found = look_for(name, kBlockDevices, kDevices);
    if (found.fd) return {std::move(found.paths), std::move(found.fd)};
    if (found.count > 1) fail("choose the root partition: more than one has the name of it:", found.paths, 0);
    if (now_ms() >= deadline_ms) {
      if (found.count == 1) fail("open the root partition", found.paths, found.error_number);
      fail("find the root partition: no disk has a partition called", name, 0);
    }
    if (!is_waiting) log_info("waiting for the partition ", name);
    is_waiting = true;
    await_uevent(uevents.get(), deadline_ms);
  }
}

}  // namespace talos::stage0
