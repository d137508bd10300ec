// System calls that concern the whole machine.
#pragma once

#include <string>

#include "base/result.h"

namespace talos::sys {

enum class RebootCommand { kRestart, kPowerOff, kHalt, kCtrlAltDelOff, kCtrlAltDelOn };

// sync(2). Blocks until every file system has written its dirty data: seconds, or for ever on a dead device.
void sync_all();

// reboot(2). Does not sync. The first three return only with an error.
Result<void> reboot(RebootCommand command);

// reboot(2) with LINUX_REBOOT_CMD_RESTART2. The kernel takes up to 255 bytes.
Result<void> reboot_with_argument(const std::string& argument);

Result<void> set_host_name(const std::string& name);

// kill(2) with -1.
Result<void> kill_every_process(int signal);

// The number of a signal name ('SIGTERM'), or 0. Those that supervision sends.
int signal_number(const std::string& name);

[[nodiscard]] bool is_pid_1();

}  // namespace talos::sys
