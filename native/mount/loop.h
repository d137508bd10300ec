// Files as block devices.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sys/loop_calls.h"

namespace talos::mount {

struct LoopDevice {
  std::string path;
  UniqueFd device;
};

// Takes a free loop device and sets it up in one step. Others want free devices too: one that was taken in between (EBUSY, ENXIO)
// is answered by asking for the next, a bounded number of times.
Result<LoopDevice> attach_loop(const sys::LoopConfig& config);

// ENXIO: nothing is attached.
Result<void> detach_loop(int device);

}  // namespace talos::mount
