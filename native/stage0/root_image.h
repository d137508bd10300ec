// The root image: a read-only file system, in a file of the initramfs or in a partition, with the hash tree of dm-verity behind
// it.
#pragma once

#include <cstdint>
#include <string_view>

namespace talos::stage0 {

struct RootFileSystem {
  // As mount(2) wants it; empty when it is none that the image builder makes.
  std::string_view type;
  // What it takes, in whole blocks of dm-verity: the hash tree lies behind.
  uint64_t bytes = 0;
};

// Told from the first bytes of an image.
[[nodiscard]] RootFileSystem file_system_of(std::string_view head) noexcept;

// How much of an image `file_system_of` has to see.
inline constexpr unsigned kHeadBytes = 1152;

// Mounts the root image read-only on `target`, with dm-verity under it. It is in the partition that `root=PARTLABEL=` of the
// command line names, or else in the file `image`. Ends in fail() when it cannot.
void mount_root_image(const char* image, const char* target) noexcept;

}  // namespace talos::stage0
