// The root image: a read-only file system inside a file of the initramfs.
#pragma once

#include <string_view>

namespace talos::stage0 {

// The file system a root image holds, told from the first bytes of the file; empty when it is none that the image builder makes.
[[nodiscard]] std::string_view file_system_of(std::string_view head) noexcept;

// How much of a file `file_system_of` has to see.
inline constexpr unsigned kHeadBytes = 1028;

// Attaches `image` to a loop device and mounts that, read-only, on `target`. Ends in fail() when it cannot.
void mount_root_image(const char* image, const char* target) noexcept;

}  // namespace talos::stage0
