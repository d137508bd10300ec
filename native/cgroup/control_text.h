// The texts of cgroup v2's control files, as numbers. Pure: no system calls, no allocation.
//
// Every parser fills `values` and gives nothing, or the offset of the first byte that does not belong there; the values are
// unspecified then. A key that is not in the text (an older kernel, a controller that is off) has the value 0. Numbers become
// doubles: exact up to 2^53, which is 8 PiB, or 285 years of microseconds.
// Source: Documentation/admin-guide/cgroup-v2.rst, Documentation/accounting/psi.rst of the kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace talos::cgroup {

using Malformed = std::optional<size_t>;

// The decimal number at the start of `text`. Sets `length` to its digits: 0 when there is none, or when it is above 2^64 - 1.
uint64_t take_number(std::string_view text, size_t& length);

// One number and a newline: memory.current, pids.current.
Malformed parse_single(std::string_view text, double* value);

// Lines `key value`: cpu.stat, memory.stat, *.events. `values` has the order and number of `keys`; fastest when that is the
// kernel's order.
Malformed parse_flat(std::string_view text, std::span<const std::string_view> keys, double* values);

// Lines `MAJ:MIN key=value …`: io.stat, summed over all devices.
Malformed parse_nested_sum(std::string_view text, std::span<const std::string_view> keys, double* values);

// Lines `some|full avg10=0.00 avg60=0.00 avg300=0.00 total=0`: eight values, those of `some` first. A line that is not there is
// 0.
inline constexpr size_t kPressureValues = 8;
Malformed parse_pressure(std::string_view text, double* values);

}  // namespace talos::cgroup
