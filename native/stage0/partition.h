// Partitions by the name that the partition table gives them.
#pragma once

#include <string>
#include <string_view>

namespace talos::stage0 {

// The device of the one partition with this name (GPT's "partition name"). Drivers find disks while we run, so it is waited for,
// as long as ten seconds. Ends in fail() when there is none then, or more than one.
[[nodiscard]] std::string find_partition(std::string_view name) noexcept;

// The value of `key` (with its '=') in the text of a uevent file; empty when it has none.
[[nodiscard]] std::string_view uevent_value(std::string_view text, std::string_view key) noexcept;

}  // namespace talos::stage0
