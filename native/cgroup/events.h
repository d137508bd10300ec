// Files of a group that tell when they change: they are ready by EPOLLPRI then, and also right after they were opened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "cgroup/stats.h"

namespace talos::cgroup {

struct EventFile {
  const char* file;
  std::span<const std::string_view> keys;
};

// Of any of them.
inline constexpr size_t kMaxEventKeys = 6;

// "cgroup.events": populated, frozen (0 or 1). "memory.events", "memory.events.local" (without the groups below): low, high, max,
// oom, oom_kill, oom_group_kill (counts). "pids.events": max (a count). nullptr for any other name.
const EventFile* find_event_file(std::string_view name);

// The counters of one such file.
class EventReader {
 public:
  static Result<EventReader> open(int group_fd, const EventFile& file);

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] size_t size() const { return file_->keys.size(); }

  // Fills size() values, and makes the file quiet until it changes again. False: the group is gone. EBADMSG.
  Result<bool> read(double* values);

 private:
  EventReader(UniqueFd fd, const EventFile& file) : fd_(std::move(fd)), file_(&file) {}

  UniqueFd fd_;
  const EventFile* file_;
  ControlReader reader_;
};

// Ready when tasks of the group were held up for `stall_usec` within `window_usec`, at most once a window.
struct PressureTrigger {
  // "cpu", "memory" or "io".
  std::string resource;
  // All of them at once, rather than some.
  bool is_full = false;
  uint32_t stall_usec = 0;
  // 500,000 to 10,000,000; without CAP_SYS_RESOURCE whole multiples of 2 s only.
  uint32_t window_usec = 0;
};

// What is written to the kernel. Pure.
std::string trigger_text(const PressureTrigger& trigger);

// The trigger lasts as long as the descriptor. EINVAL: the kernel does not take these numbers; EOPNOTSUPP: it counts no pressure.
Result<UniqueFd> open_pressure_trigger(int group_fd, const PressureTrigger& trigger);

}  // namespace talos::cgroup
