// What getdents64(2) gives, taken apart. Pure: fuzzable without a kernel.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace talos::files {

// The numbers cross to JavaScript (lib/native/files.ts has them in the same order).
enum class FileKind : uint8_t { kUnknown, kFile, kDirectory, kLink, kFifo, kSocket, kCharacterDevice, kBlockDevice };

struct Entry {
  std::string name;  // bytes; the kernel promises no encoding
  FileKind kind = FileKind::kUnknown;
};

// Appends the entries of one block, without "." and "..". EBADMSG, with the offset in `detail`, if a record does not fit into the
// block, does not move on or has a name that cannot be one.
Result<void> parse_entries(std::string_view block, std::vector<Entry>& entries);

// Of the type bits of st_mode.
FileKind kind_of_mode(uint32_t mode);

}  // namespace talos::files
