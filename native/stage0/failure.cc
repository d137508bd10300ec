#include "stage0/failure.h"

#include <fcntl.h>
#include <sys/reboot.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>

#include "base/unique_fd.h"
#include "stage0/log.h"

namespace talos::stage0 {
namespace {

constexpr int kDefaultSeconds = 10;  // what the image's command line has, for a machine where /proc could not be mounted
constexpr size_t kCommandLineBytes = 4096;

int configured_seconds() noexcept {
  UniqueFd file(open("/proc/cmdline", O_RDONLY | O_CLOEXEC));
  if (!file) return kDefaultSeconds;
  char bytes[kCommandLineBytes];
  ssize_t size = read(file.get(), bytes, sizeof bytes);
  return size < 0 ? kDefaultSeconds : panic_seconds({bytes, static_cast<size_t>(size)}, kDefaultSeconds);
}

}  // namespace

int panic_seconds(std::string_view command_line, int otherwise) noexcept {
  constexpr std::string_view key = "panic=";
  int seconds = otherwise;
  for (size_t at = 0; at < command_line.size();) {
    size_t end = command_line.find_first_of(" \n", at);
    if (end == std::string_view::npos) end = command_line.size();
    std::string_view word = command_line.substr(at, end - at);
    if (word.starts_with(key)) {
      word.remove_prefix(key.size());
      int value = 0;
      auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), value);
      if (error == std::errc() && rest == word.data() + word.size()) seconds = value;
    }
    at = end + 1;
  }
  return seconds;
}

void fail(std::string_view step, std::string_view subject, int error_number) noexcept {
  char reason[256];
  snprintf(reason, sizeof reason, "%.*s %.*s%s%s", static_cast<int>(step.size()), step.data(), static_cast<int>(subject.size()),
           subject.data(), error_number == 0 ? "" : ": ", error_number == 0 ? "" : strerror(error_number));
  log_error("cannot boot: ", reason);

  int seconds = configured_seconds();
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
