#include "stage0/log.h"

#include <fcntl.h>
#include <sys/klog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"
#include "stage0/command_line.h"

namespace talos::stage0 {
namespace {

// syslog(2), SYSLOG_ACTION_CONSOLE_LEVEL: what is below the level is shown. KERN_DEBUG has 7.
constexpr int kSetConsoleLevel = 8;
constexpr int kAllButDebug = 7;
constexpr std::string_view kQuiet = "6";  // of loglevel=: notices and what is worse

constexpr size_t kLineBytes = 512;  // the kernel takes no more than about a page for one record; ours are sentences

UniqueFd kmsg;

// A line is built first and written at once: one write(2) is one record.
class Line {
 public:
  void append(std::string_view text) noexcept {
    size_t room = sizeof bytes_ - 1 - size_;
    size_t taken = text.size() < room ? text.size() : room;
    memcpy(bytes_ + size_, text.data(), taken);
    size_ += taken;
  }

  void write_to(int fd) noexcept {
    bytes_[size_] = '\n';
    // There is nobody left to tell when this fails.
    [[maybe_unused]] ssize_t written = write(fd, bytes_, size_ + 1);
  }

 private:
  char bytes_[kLineBytes];
  size_t size_ = 0;
};

void put(int fd, std::string_view level, std::string_view message, std::string_view argument) noexcept {
  Line line;
  line.append(level);
  line.append("stage0: ");
  line.append(message);
  line.append(argument);
  line.write_to(fd);
}

}  // namespace

void open_log() noexcept { kmsg.reset(open("/dev/kmsg", O_WRONLY | O_CLOEXEC)); }

void show_on_console() noexcept {
  if (parameter(boot_command_line(), "loglevel=") != kQuiet) return;
  if (klogctl(kSetConsoleLevel, nullptr, kAllButDebug) < 0) log_error("the console stays quiet: ", strerror(errno));
}

void close_log() noexcept { kmsg.reset(); }

void log_info(std::string_view message, std::string_view argument) noexcept {
  if (kmsg) {
    put(kmsg.get(), "<6>", message, argument);
  } else {
    put(STDERR_FILENO, "", message, argument);
  }
}

void log_error(std::string_view message, std::string_view argument) noexcept {
  if (kmsg) put(kmsg.get(), "<3>", message, argument);
  put(STDERR_FILENO, "\r", message, argument);
}

}  // namespace talos::stage0
