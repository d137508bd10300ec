// Threads that live as long as the process.
#pragma once

#include <functional>

#include "base/result.h"

namespace talos::sys {

// Runs `work` on a detached thread that takes no signals: those of the process are JavaScript's to handle. `name`: at most 15
// characters. EAGAIN and ENOMEM are errors like others; std::thread would end the process.
Result<void> start_thread(const char* name, std::function<void()> work);

}  // namespace talos::sys
