// Loop devices: /dev/loop-control and the ioctls of loop(4).
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

Result<UniqueFd> open_loop_control();

// LOOP_CTL_GET_FREE: the number of a device that was free at that moment; one is made when there is none.
Result<int> free_loop_number(int control);

Result<UniqueFd> open_loop_device(int number, bool writable);

struct LoopConfig {
  int file = -1;
  bool read_only = false;
  bool autoclear = false;
  uint64_t offset_bytes = 0;
  uint64_t size_limit_bytes = 0;  // 0: to the end of the file
  uint32_t block_bytes = 0;       // 0: the kernel's choice
};

// LOOP_CONFIGURE (Linux ≥ 5.8): all at once, so nobody sees the device half made. EBUSY: it is taken.
Result<void> configure_loop(int device, const LoopConfig& config);

// LOOP_CLR_FD. While others have the device open, it is cleared when the last of them closes it.
Result<void> clear_loop(int device);

std::string loop_path(int number);

}  // namespace talos::sys
