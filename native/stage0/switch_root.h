// Makes a mounted file system the root, and gives the initramfs' memory back.
#pragma once

namespace talos::stage0 {

// Moves the mounts of /dev, /proc and /sys below `new_root`, removes every file of the initramfs and makes `new_root` the root
// and the working directory. The root image itself is removed by name only: its loop device keeps it. Ends in fail() when it
// cannot.
void switch_root(const char* new_root) noexcept;

}  // namespace talos::stage0
