// Key events as the kernel writes them, and a watchdog device that is none.
#include "power/power.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "power/key_events.h"
#include "power/watchdog.h"
#include "test/tap.h"

namespace {

using namespace talos::power;
using talos::test::check;
using talos::test::check_equal;

// One struct input_event of a 64-bit machine.
std::string event(uint16_t type, uint16_t code, int32_t value) {
  std::string bytes(24, '\0');
  std::memcpy(bytes.data() + 16, &type, sizeof type);
  std::memcpy(bytes.data() + 18, &code, sizeof code);
  std::memcpy(bytes.data() + 20, &value, sizeof value);
  return bytes;
}

talos::Result<KeyBatch> parse(std::string_view bytes) {
  return parse_key_events({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
}

void reads_key_events() {
  check(parse("").value().keys.empty());
  auto pressed = parse(event(4, 4, 9) + event(1, 116, 1) + event(0, 0, 0) + event(1, 116, 0));
  check(pressed.ok());
  check_equal(pressed.value().keys.size(), 2u);
  check(pressed.value().keys[0].code == 116 && pressed.value().keys[0].value == 1);
  check(pressed.value().keys[1].code == 116 && pressed.value().keys[1].value == 0);
  check(!pressed.value().is_incomplete);
  check(parse(event(0, 3, 0)).value().is_incomplete, "SYN_DROPPED");
  auto cut = parse(event(1, 116, 1) + "cut");
  check(!cut && cut.error().errno_value == EBADMSG);
  check_equal(cut.error().detail, "an event that is cut at byte 24");
}

class File {
 public:
  File() { check(::mkdtemp(folder_) != nullptr); }
  ~File() { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string path() const { return std::string(folder_) + "/device"; }
  void create() const { std::ofstream(path()).flush(); }
  [[nodiscard]] std::string text() const {
    std::ifstream file(path());
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  char folder_[32] = "/tmp/talos-power-XXXXXX";
};

void refuses_what_is_no_watchdog() {
  File file;
  WatchdogOptions options{.path = file.path(), .timeout_seconds = 10, .alive_within_ms = 1000, .interval_ms = 1000};
  auto missing = Watchdog::open(options, [] {});
  check(!missing && missing.error().errno_value == ENOENT && missing.error().path == file.path());
  file.create();
  auto other = Watchdog::open(options, [] {});
  check(!other && other.error().errno_value == ENOTTY && std::string(other.error().syscall) == "ioctl");
  check_equal(file.text(), "V", "a device that was opened is stopped again");
}

void takes_arguments_for_a_restart_only() {
  // Not PID 1: nothing happens in any case.
  for (const char* command : {"restart", "power-off"}) {
    auto refused = reboot(command, "recovery");
    check(!refused && refused.error().errno_value == EPERM, command);
  }
}

}  // namespace

int main() {
  reads_key_events();
  refuses_what_is_no_watchdog();
  takes_arguments_for_a_restart_only();
  talos::test::survive_damage(event(1, 116, 1) + event(0, 3, 0) + event(1, 116, 0),
                              [](std::string_view bytes) { (void)parse(bytes); });
  return talos::test::finish();
}
