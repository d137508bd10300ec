#include "power/power.h"

#include "sys/power_calls.h"

namespace talos::power {
namespace {

Error only_pid_1(const char* syscall) { return Error{EPERM, syscall, {}, {}, "only PID 1 may do this"}; }

}  // namespace

void sync_all() { sys::sync_all(); }

Result<void> reboot(const std::string& command, const std::string& argument) {
  if (!sys::is_pid_1()) return only_pid_1("reboot");
  if (!argument.empty()) {
    if (command == "restart") return sys::reboot_with_argument(argument);
    return Error{EINVAL, "reboot", {}, {}, "only a restart takes an argument"};
  }
  if (command == "restart") return sys::reboot(sys::RebootCommand::kRestart);
  if (command == "power-off") return sys::reboot(sys::RebootCommand::kPowerOff);
  if (command == "halt") return sys::reboot(sys::RebootCommand::kHalt);
  return Error{EINVAL, "reboot", {}, {}, "unknown command '" + command + "'"};
}

Result<void> set_ctrl_alt_del(bool enabled) {
  return sys::reboot(enabled ? sys::RebootCommand::kCtrlAltDelOn : sys::RebootCommand::kCtrlAltDelOff);
}

Result<void> set_host_name(const std::string& name) { return sys::set_host_name(name); }

Result<void> kill_all(const std::string& signal) {
  if (!sys::is_pid_1()) return only_pid_1("kill");
  int number = sys::signal_number(signal);
  if (number == 0) return Error{EINVAL, "kill", {}, {}, "unknown signal '" + signal + "'"};
  auto sent = sys::kill_every_process(number);
  if (!sent && sent.error().errno_value == ESRCH) return {};
  return sent;
}

}  // namespace talos::power
