// The control node of device-mapper. The layout of its messages comes from <linux/dm-ioctl.h>, which nothing outside sys/
// includes by itself.
#pragma once

#include <linux/dm-ioctl.h>
#include <sys/ioctl.h>

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

// /dev/mapper/control, or what devtmpfs has in its place. ENOENT, ENXIO or ENODEV without device-mapper in the kernel.
Result<UniqueFd> open_device_mapper();

// One request; `buffer` begins with a dm_ioctl whose data_size is that of the buffer, and holds the answer afterwards. Sleeps as
// long as devices take to open or to finish what they do. `name` for the error only.
Result<void> device_mapper_request(int control_fd, unsigned long request, const char* request_name, std::span<uint8_t> buffer,
                                   const std::string& name);

}  // namespace talos::sys
