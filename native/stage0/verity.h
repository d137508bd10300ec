// dm-verity under the root image.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "block/verity.h"

namespace talos::stage0 {

inline constexpr uint32_t kVerityBlockBytes = 4096;

// What a verity superblock says of the data before it; lib/image/verity.ts writes it. False when it is none of ours: another
// version, hash type, algorithm or block size, a salt that is too long, or not as many blocks of data as lie before it.
[[nodiscard]] bool read_superblock(std::string_view block, uint64_t hash_offset, block::VerityTable& table) noexcept;

// Makes the device on which every block of `device` that lies before `hash_offset` is checked when it is read, and returns its
// path. From then on a block that was changed is a panic. Ends in fail() when superblock, tree or first block do not fit
// `root_hash`.
[[nodiscard]] std::string open_verity(const std::string& device, int device_fd, uint64_t hash_offset,
                                      std::string_view root_hash) noexcept;

}  // namespace talos::stage0
