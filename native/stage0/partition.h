// Partitions by the name that the partition table gives them.
#pragma once

#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace talos::stage0 {

// A partition, open for reading.
struct Partition {
  std::string path;
  UniqueFd fd;
};

// The one partition with this name (GPT's "partition name"). Drivers find disks while we run, so it is waited for, as long as ten
// seconds. Ends in fail() when there is none then, one that cannot be opened, or more than one.
[[nodiscard]] Partition find_partition(std::string_view name) noexcept;

// What is there of the partitions with a name at one moment.
struct Candidates {
  int count = 0;
  // Of all of them, with " and " between.
  std::string paths;
  // When there is one that can be opened.
  UniqueFd fd;
  // When there is one that cannot: why.
  int error_number = 0;
};

// `classes` is /sys/class/block, `devices` is /dev.
[[nodiscard]] Candidates look_for(std::string_view name, const std::string& classes, const std::string& devices) noexcept;

// The value of `key` (with its '=') in the text of a uevent file; empty when it has none.
[[nodiscard]] std::string_view uevent_value(std::string_view text, std::string_view key) noexcept;

}  // namespace talos::stage0
