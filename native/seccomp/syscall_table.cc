#include "seccomp/syscall_table.h"

#include <algorithm>
#include <iterator>

namespace talos::seccomp {

namespace {

constexpr SyscallNumbers kTable[] = {
#include "seccomp/syscall_table.inc"
};

constexpr bool is_sorted_by_name() {
  for (size_t i = 1; i < std::size(kTable); ++i) {
    if (std::string_view(kTable[i - 1].name) >= kTable[i].name) return false;
  }
  return true;
}
static_assert(is_sorted_by_name());

}  // namespace

std::span<const SyscallNumbers> all_syscalls() { return kTable; }

std::optional<SyscallNumbers> find_syscall(std::string_view name) {
  const auto* found = std::lower_bound(std::begin(kTable), std::end(kTable), name,
                                       [](const SyscallNumbers& entry, std::string_view wanted) { return entry.name < wanted; });
  if (found == std::end(kTable) || found->name != name) return std::nullopt;
  return *found;
}

}  // namespace talos::seccomp
