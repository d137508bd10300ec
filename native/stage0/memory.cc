#include "stage0/memory.h"

#include <sys/sysinfo.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>

#include "stage0/failure.h"

namespace talos::stage0 {
namespace {

// A choice, not an edge: a node boots on a machine of 512 MiB, which has about 450 left, and one of 256 cannot hold image and
// processes.
constexpr uint64_t kMinimumMib = 400;

}  // namespace

void check_memory() noexcept {
  struct sysinfo info;
  if (sysinfo(&info) < 0) fail("ask for the size of the memory", "", errno);
  uint64_t mib = uint64_t{info.totalram} * info.mem_unit >> 20;
  if (mib >= kMinimumMib) return;
  char sizes[96];
  snprintf(sizes, sizeof sizes, "%llu MiB, a node needs %llu (a machine of 512 MiB)", static_cast<unsigned long long>(mib),
           static_cast<unsigned long long>(kMinimumMib));
  fail("work with so little memory:", sizes, 0);
}

}  // namespace talos::stage0
