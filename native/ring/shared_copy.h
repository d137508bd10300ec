// Copies between our memory and the shared one, where the other side may read or write at the same moment.
//
// Such a race is part of the design: a reader looks afterwards whether what it copied was good. To the language it would be
// undefined unless every byte were atomic, which memcpy cannot be told; the machine does not mind, and compilers leave a copy of
// unknown memory alone. ThreadSanitizer gets the atomic form, so that it reports the races that are not meant.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstring>

#if defined(__SANITIZE_THREAD__)
#define TALOS_RING_ATOMIC_BYTES 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TALOS_RING_ATOMIC_BYTES 1
#endif
#endif

namespace talos::ring {

#ifdef TALOS_RING_ATOMIC_BYTES
inline void copy_to_shared(std::byte* shared, const void* own, size_t bytes) noexcept {
  auto* to = reinterpret_cast<unsigned char*>(shared);
  for (size_t i = 0; i < bytes; ++i) __atomic_store_n(to + i, static_cast<const unsigned char*>(own)[i], __ATOMIC_RELAXED);
}
inline void copy_from_shared(void* own, const std::byte* shared, size_t bytes) noexcept {
  const auto* from = reinterpret_cast<const unsigned char*>(shared);
  for (size_t i = 0; i < bytes; ++i) static_cast<unsigned char*>(own)[i] = __atomic_load_n(from + i, __ATOMIC_RELAXED);
}
#else
inline void copy_to_shared(std::byte* shared, const void* own, size_t bytes) noexcept { std::memcpy(shared, own, bytes); }
inline void copy_from_shared(void* own, const std::byte* shared, size_t bytes) noexcept {
  std::memcpy(own, shared, bytes);
  // What was checked in the copy must not be fetched from the shared memory again.
  std::atomic_signal_fence(std::memory_order_seq_cst);
}
#endif

}  // namespace talos::ring
