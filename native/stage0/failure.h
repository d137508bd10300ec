// The end of a boot that cannot go on.
#pragma once

#include <string_view>

namespace talos::stage0 {

// Says what failed and why (`error_number`, 0 when there is no errno), then restarts the machine as the kernel would after a
// panic: `panic=` on the command line is the number of seconds to wait, 0 means wait for a person, less than 0 means at once.
[[noreturn]] void fail(std::string_view step, std::string_view subject, int error_number) noexcept;

// The value of `panic=` in a kernel command line; the last one counts, as in the kernel. `otherwise` when there is none.
[[nodiscard]] int panic_seconds(std::string_view command_line, int otherwise) noexcept;

}  // namespace talos::stage0
