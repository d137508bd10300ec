// How a writer stores into the shared memory. Every store that it makes while readers may look goes through one of these two
// functions, so that a test can put its own in their place and stop the writer between any two (native/test/ring_kill_test.cc).
// In what ships this is inlined to the stores themselves.
#pragma once

#include <cstdint>

#include "ring/shared_copy.h"

namespace talos::ring {

struct DirectStores {
  static void copy(std::byte* to, const void* from, size_t bytes) noexcept { copy_to_shared(to, from, bytes); }
  static void store(std::atomic<uint64_t>& to, uint64_t value, std::memory_order order) noexcept { to.store(value, order); }
};

}  // namespace talos::ring
