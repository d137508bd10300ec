#include "sys/power_calls.h"

#include <linux/reboot.h>
#include <signal.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

namespace talos::sys {
namespace {

int reboot_number(RebootCommand command) {
  switch (command) {
    case RebootCommand::kRestart:
      return RB_AUTOBOOT;
    case RebootCommand::kPowerOff:
      return RB_POWER_OFF;
    case RebootCommand::kHalt:
      return RB_HALT_SYSTEM;
    case RebootCommand::kCtrlAltDelOff:
      return RB_DISABLE_CAD;
    case RebootCommand::kCtrlAltDelOn:
      return RB_ENABLE_CAD;
  }
  return -1;
}

}  // namespace

void sync_all() { ::sync(); }

Result<void> reboot(RebootCommand command) {
  if (::reboot(reboot_number(command)) == -1) return last_error("reboot");
  return {};
}

Result<void> reboot_with_argument(const std::string& argument) {
  // The C library's wrapper has no room for the argument.
  long done = ::syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART2, argument.c_str());
  if (done == -1) return last_error("reboot");
  return {};
}

Result<void> set_host_name(const std::string& name) {
  if (::sethostname(name.data(), name.size()) == -1) return last_error("sethostname");
  return {};
}

Result<void> kill_every_process(int signal) {
  if (::kill(-1, signal) == -1) return last_error("kill");
  return {};
}

int signal_number(const std::string& name) {
  static constexpr std::pair<const char*, int> kSignals[] = {
      {"SIGTERM", SIGTERM}, {"SIGKILL", SIGKILL}, {"SIGINT", SIGINT},   {"SIGQUIT", SIGQUIT}, {"SIGHUP", SIGHUP},
      {"SIGUSR1", SIGUSR1}, {"SIGUSR2", SIGUSR2}, {"SIGSTOP", SIGSTOP}, {"SIGCONT", SIGCONT}, {"SIGABRT", SIGABRT},
  };
  for (const auto& [known, number] : kSignals) {
    if (name == known) return number;
  }
  return 0;
}

bool is_pid_1() { return ::getpid() == 1; }

}  // namespace talos::sys
