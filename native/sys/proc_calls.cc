#include "sys/proc_calls.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <string_view>

namespace talos::sys {

namespace {

constexpr size_t kListBytes = 32 * 1024;

// -1: not the folder of a process.
pid_t pid_of(std::string_view name) {
  pid_t pid = -1;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  return error == std::errc() && end == name.data() + name.size() ? pid : -1;
}

}  // namespace

Result<UniqueFd> open_proc() {
  UniqueFd proc(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!proc) return last_error("open", "/proc");
  return proc;
}

Result<std::vector<pid_t>> list_processes(int proc_fd, size_t limit) {
  std::vector<pid_t> pids;
  alignas(dirent64) char entries[kListBytes];
  for (;;) {
    ssize_t got = ::getdents64(proc_fd, entries, sizeof entries);
    if (got < 0) return last_error("getdents64", "/proc");
    if (got == 0) return pids;
    for (ssize_t at = 0; at < got;) {
      const auto* entry = reinterpret_cast<const dirent64*>(entries + at);
      at += entry->d_reclen;
      if (pid_t pid = pid_of(entry->d_name); pid > 0) pids.push_back(pid);
      if (pids.size() == limit) return pids;
    }
  }
}

Result<size_t> read_beneath(int folder_fd, const char* path, std::span<char> buffer) {
  UniqueFd file(::openat(folder_fd, path, O_RDONLY | O_CLOEXEC));
  if (!file) return last_error("openat", path);
  size_t total = 0;
  while (total < buffer.size()) {
    ssize_t got = ::read(file.get(), buffer.data() + total, buffer.size() - total);
    if (got == 0) break;
    if (got < 0) {
      if (errno == EINTR) continue;
      return last_error("read", path);
    }
    total += static_cast<size_t>(got);
  }
  return total;
}

Result<size_t> read_link_beneath(int folder_fd, const char* path, std::span<char> buffer) {
  ssize_t got = ::readlinkat(folder_fd, path, buffer.data(), buffer.size());
  if (got < 0) return last_error("readlinkat", path);
  return static_cast<size_t>(got);
}

uint64_t ticks_a_second() { return static_cast<uint64_t>(::sysconf(_SC_CLK_TCK)); }

}  // namespace talos::sys
