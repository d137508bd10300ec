#include "stage0/failure.h"

#include <sys/reboot.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>

#include "stage0/command_line.h"
#include "stage0/log.h"

namespace talos::stage0 {
namespace {

constexpr int kDefaultSeconds = 10;  // what the image's command line has, for a machine where /proc could not be mounted

}  // namespace

int panic_seconds(std::string_view command_line, int otherwise) noexcept {
  std::string_view value = parameter(command_line, "panic=");
  int seconds = otherwise;
  auto [rest, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  return error == std::errc() && rest == value.data() + value.size() ? seconds : otherwise;
}

void fail(std::string_view step, std::string_view subject, int error_number) noexcept {
  char reason[256];
  snprintf(reason, sizeof reason, "%.*s %.*s%s%s", static_cast<int>(step.size()), step.data(), static_cast<int>(subject.size()),
           subject.data(), error_number == 0 ? "" : ": ", error_number == 0 ? "" : strerror(error_number));
  log_error("cannot boot: ", reason);

  int seconds = panic_seconds(boot_command_line(), kDefaultSeconds);
  if (seconds == 0) {
    log_error("panic=0: waiting for a person");
    for (;;) pause();
  }
  for (; seconds > 0; --seconds) {
    char left[32];
    snprintf(left, sizeof left, "%d s", seconds);
    if (seconds % 5 == 0 || seconds < 4) log_error("restarting in ", left);
    sleep(1);
  }
  log_error("restarting now");
  reboot(RB_AUTOBOOT);
  // Without the right to restart there is nothing left to do; returning would be a kernel panic, which restarts as well.
  _exit(1);
}

}  // namespace talos::stage0
