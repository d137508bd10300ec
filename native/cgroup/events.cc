#include "cgroup/events.h"

#include <utility>

#include "sys/cgroup_calls.h"

namespace talos::cgroup {
namespace {

constexpr std::string_view kGroupKeys[] = {"populated", "frozen"};
constexpr std::string_view kMemoryEventKeys[] = {"low", "high", "max", "oom", "oom_kill", "oom_group_kill"};
constexpr std::string_view kPidsKeys[] = {"max"};

constexpr EventFile kFiles[] = {
    {"cgroup.events", kGroupKeys},
    {"memory.events", kMemoryEventKeys},
    {"memory.events.local", kMemoryEventKeys},
    {"pids.events", kPidsKeys},
};

static_assert(std::size(kMemoryEventKeys) <= kMaxEventKeys);

}  // namespace

const EventFile* find_event_file(std::string_view name) {
  for (const EventFile& file : kFiles) {
    if (name == file.file) return &file;
  }
  return nullptr;
}

Result<EventReader> EventReader::open(int group_fd, const EventFile& file) {
  auto fd = sys::open_control(group_fd, file.file, sys::ControlAccess::kRead);
  if (!fd) return fd.error();
  return EventReader(std::move(fd).value(), file);
}

Result<bool> EventReader::read(double* values) {
  auto text = reader_.read(fd_.get(), file_->file);
  if (!text) {
    if (is_absence(text.error())) return false;
    return text.error();
  }
  if (auto malformed = parse_flat(text.value(), file_->keys, values)) {
    return Error{EBADMSG, "pread", file_->file, {}, "unexpected text at byte " + std::to_string(*malformed)};
  }
  return true;
}

std::string trigger_text(const PressureTrigger& trigger) {
  return std::string(trigger.is_full ? "full " : "some ") + std::to_string(trigger.stall_usec) + " " +
         std::to_string(trigger.window_usec);
}

Result<UniqueFd> open_pressure_trigger(int group_fd, const PressureTrigger& trigger) {
  std::string file = trigger.resource + ".pressure";
  auto fd = sys::open_control(group_fd, file.c_str(), sys::ControlAccess::kReadWrite);
  if (!fd) return fd.error();
  if (auto written = sys::write_open_control(fd.value().get(), file.c_str(), trigger_text(trigger)); !written) {
    return written.error();
  }
  return fd;
}

}  // namespace talos::cgroup
