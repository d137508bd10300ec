// What stage0 says goes to the kernel log, where it gets the time that boot measurements read, and stays readable on the running
// node.
#pragma once

#include <string_view>

namespace talos::stage0 {

// Opens /dev/kmsg; before that, and when it cannot be opened, messages go to the console (descriptor 2).
void open_log() noexcept;

// The kernel starts up with a console that is as quiet as kQuiet (lib/base/kernel-parameters.ts): every line of it costs time.
// From here on all but debugging is shown. Another loglevel= was somebody's wish, and stays.
void show_on_console() noexcept;

// Closes the log so that PID 1 does not inherit it.
void close_log() noexcept;

// One line of the kernel log: `stage0: <message><argument>`.
void log_info(std::string_view message, std::string_view argument = {}) noexcept;

// The same with error level, and on the console as well: the kernel log may be quiet there.
void log_error(std::string_view message, std::string_view argument = {}) noexcept;

}  // namespace talos::stage0
