#include "stage0/verity.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"
#include "stage0/failure.h"
#include "stage0/log.h"

namespace talos::stage0 {
namespace {

using block::VerityTable;

constexpr const char* kName = "root";
constexpr const char* kCheckName = "root-check";
constexpr size_t kSha256HexDigits = 64;
constexpr size_t kMaxSaltBytes = 256;

// The layout of cryptsetup's superblock; numbers are little-endian, as both our architectures are.
struct Superblock {
  char signature[8];
  uint32_t version;
  uint32_t hash_type;
  uint8_t uuid[16];
  char algorithm[32];
  uint32_t data_block_bytes;
  uint32_t hash_block_bytes;
  uint64_t data_blocks;
  uint16_t salt_bytes;
  uint8_t padding[6];
  uint8_t salt[kMaxSaltBytes];
};

std::string hexadecimal(const uint8_t* bytes, size_t count) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (size_t index = 0; index < count; ++index) {
    text += digits[bytes[index] >> 4];
    text += digits[bytes[index] & 15];
  }
  return text;
}

std::string create(const char* name, const VerityTable& table) noexcept {
  auto status = block::create_verity(name, {}, table);
  if (!status) {
    const Error& error = status.error();
    fail("set up dm-verity:", error.detail.empty() ? error.syscall : error.detail, error.errno_value);
  }
  return "/dev/dm-" + std::to_string(status.value().minor);
}

// The kernel checks the path from the root hash to the first block. It is asked once without the panic, which would leave nobody
// to say what is wrong. The device for that goes by itself when what is returned is closed: taking one apart means waiting for
// all processors, and the boot goes on meanwhile.
UniqueFd check_first_block(VerityTable table) noexcept {
  table.on_corruption = VerityTable::OnCorruption::kError;
  std::string path = create(kCheckName, table);
  UniqueFd device(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!device) fail("open", path, errno);
  if (auto removed = block::remove_mapped(kCheckName, true); !removed) fail("remove", path, removed.error().errno_value);
  alignas(kVerityBlockBytes) static char bytes[kVerityBlockBytes];
  if (pread(device.get(), bytes, sizeof bytes, 0) != sizeof bytes) {
    fail("trust the root image: it does not fit roothash=, it was changed or belongs to another command line", "", 0);
  }
  return device;
}

}  // namespace

bool read_superblock(std::string_view bytes, uint64_t hash_offset, VerityTable& table) noexcept {
  Superblock block;
  if (bytes.size() < sizeof block) return false;
  memcpy(&block, bytes.data(), sizeof block);
  bool is_ours = memcmp(block.signature, "verity\0\0", sizeof block.signature) == 0 && block.version == 1 &&
                 block.hash_type == 1 && strncmp(block.algorithm, "sha256", sizeof block.algorithm) == 0 &&
                 block.data_block_bytes == kVerityBlockBytes && block.hash_block_bytes == kVerityBlockBytes &&
                 block.salt_bytes <= kMaxSaltBytes && block.data_blocks == hash_offset / kVerityBlockBytes;
  if (!is_ours) return false;
  table.data_blocks = block.data_blocks;
  table.hash_start_block = block.data_blocks + 1;
  table.salt = hexadecimal(block.salt, block.salt_bytes);
  return true;
}

std::string open_verity(const std::string& device, int device_fd, uint64_t hash_offset, std::string_view root_hash) noexcept {
  if (root_hash.empty()) fail("trust the root image: roothash= is missing on the kernel command line", "", 0);
  bool is_digest =
      root_hash.size() == kSha256HexDigits && root_hash.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (!is_digest) fail("trust the root image: roothash= is no SHA-256 in lower-case hexadecimal:", root_hash, 0);
  char bytes[sizeof(Superblock)];
  ssize_t size = pread(device_fd, bytes, sizeof bytes, static_cast<off_t>(hash_offset));
  if (size < 0) fail("read the hash tree of", device, errno);
  VerityTable table;
  if (!read_superblock({bytes, static_cast<size_t>(size)}, hash_offset, table)) {
    fail("trust the root image: there is no hash tree behind it, it was cut off or changed:", device, 0);
  }
  table.data_device = table.hash_device = device;
  table.root_digest = root_hash;
  // Closed when the other device is there: which of them gets which number is not left to chance.
  UniqueFd checked = check_first_block(table);
  table.on_corruption = VerityTable::OnCorruption::kPanic;
  std::string path = create(kName, table);
  log_info("dm-verity checks the root image, root hash ", root_hash);
  return path;
}

}  // namespace talos::stage0
