#include "files/entries.h"

#include <dirent.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstring>

namespace talos::files {
namespace {

// struct linux_dirent64: inode and offset (8 bytes each), length of the record, type, name with its NUL.
constexpr size_t kLengthOffset = 16;
constexpr size_t kTypeOffset = 18;
constexpr size_t kNameOffset = 19;

FileKind kind_of_type(uint8_t type) {
  switch (type) {
    case DT_REG:
      return FileKind::kFile;
    case DT_DIR:
      return FileKind::kDirectory;
    case DT_LNK:
      return FileKind::kLink;
    case DT_FIFO:
      return FileKind::kFifo;
    case DT_SOCK:
      return FileKind::kSocket;
    case DT_CHR:
      return FileKind::kCharacterDevice;
    case DT_BLK:
      return FileKind::kBlockDevice;
    default:
      return FileKind::kUnknown;
  }
}

Error malformed(const char* what, size_t offset) {
  return Error{EBADMSG, "getdents64", {}, {}, std::string(what) + " at offset " + std::to_string(offset)};
}

}  // namespace

FileKind kind_of_mode(uint32_t mode) { return kind_of_type(IFTODT(mode & S_IFMT)); }

Result<void> parse_entries(std::string_view block, std::vector<Entry>& entries) {
  for (size_t offset = 0; offset < block.size();) {
    std::string_view rest = block.substr(offset);
    if (rest.size() <= kNameOffset) return malformed("record cut off", offset);
    uint16_t length;
    std::memcpy(&length, rest.data() + kLengthOffset, sizeof length);
    if (length <= kNameOffset || length > rest.size()) return malformed("impossible length of a record", offset);
    std::string_view name = rest.substr(kNameOffset, length - kNameOffset);
    size_t end = name.find('\0');
    if (end == std::string_view::npos) return malformed("name without an end", offset);
    name = name.substr(0, end);
    // A name is handed on as a part of a path: the file system of a stranger must not slip a slash in.
    if (name.empty() || name.find('/') != std::string_view::npos) return malformed("impossible name", offset);
    if (name != "." && name != "..") {
      entries.push_back({std::string(name), kind_of_type(static_cast<uint8_t>(rest[kTypeOffset]))});
    }
    offset += length;
  }
  return {};
}

}  // namespace talos::files
