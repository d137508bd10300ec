// Names of system calls to their numbers.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace talos::seccomp {

enum class Architecture { kX86_64, kAarch64 };

#if defined(__x86_64__)
constexpr Architecture kHostArchitecture = Architecture::kX86_64;
#elif defined(__aarch64__)
constexpr Architecture kHostArchitecture = Architecture::kAarch64;
#else
#error "the system calls of this architecture are not listed"
#endif

struct SyscallNumbers {
  const char* name;
  int x86_64;  // -1: the architecture does not have it
  int aarch64;

  [[nodiscard]] int on(Architecture architecture) const { return architecture == Architecture::kX86_64 ? x86_64 : aarch64; }
};

// Sorted by name. Source: the kernel's tables, by tools/gen-syscalls.mjs.
std::span<const SyscallNumbers> all_syscalls();

// Nothing: no architecture of ours has a call of that name.
std::optional<SyscallNumbers> find_syscall(std::string_view name);

}  // namespace talos::seccomp
