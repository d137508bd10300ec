// What ends or names the machine. The two calls that would hit a developer's whole machine are refused to all but PID 1.
#pragma once

#include <string>

#include "base/result.h"

namespace talos::power {

// Blocks until everything dirty is written; never on the JavaScript thread.
void sync_all();

// 'restart', 'power-off', 'halt'. EPERM unless this is PID 1; otherwise returns only with an error. Does not sync. A restart may
// carry an argument for the firmware or boot loader ('recovery'); empty: none.
Result<void> reboot(const std::string& command, const std::string& argument = {});

Result<void> set_ctrl_alt_del(bool enabled);

// EINVAL when it is longer than the kernel's 64 bytes.
Result<void> set_host_name(const std::string& name);

// Sends to every process but this one. That nobody is left is not an error. EPERM unless this is PID 1.
Result<void> kill_all(const std::string& signal);

}  // namespace talos::power
