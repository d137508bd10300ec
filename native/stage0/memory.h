// Whether the machine has enough memory to be a node.
#pragma once

namespace talos::stage0 {

// Ends in fail() when it has not. What counts is what the kernel has left of it: a machine of 512 MiB has about 450.
void check_memory() noexcept;

}  // namespace talos::stage0
