// The kernel's command line, as far as stage0 reads it.
#pragma once

#include <string_view>

namespace talos::stage0 {

// The value of `key` (with its '='), of the last word that begins with it, as in the kernel; `otherwise` when there is none.
// Quotes have no meaning here: none of our values has a blank.
[[nodiscard]] std::string_view parameter(std::string_view command_line, std::string_view key,
                                         std::string_view otherwise = {}) noexcept;

// Of this boot, read from /proc once; empty when that is not mounted.
[[nodiscard]] std::string_view boot_command_line() noexcept;

}  // namespace talos::stage0
