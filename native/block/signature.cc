#include "block/signature.h"

#include <algorithm>
#include <optional>

#include "block/signature_table.h"
#include "block/superblock.h"

namespace talos::block {
namespace {

constexpr std::string_view kGptMagic = "EFI PART"sv;

class Finder {
 public:
  explicit Finder(const ByteSource& source) : source_(source), size_(source.size_bytes()) {}

  Result<std::vector<Signature>> find() {
    head_.resize(std::min<uint64_t>(size_, kHeadBytes));
    if (auto read = source_.read(0, head_); !read) return read.error();
    for (const Mark& mark : kMarks) match(mark.name, mark.usage, mark.offset, mark.bytes);
    find_bare_vfat();
    find_gpt_backups();
    find_md();
    find_zfs();
    if (failure_) return *failure_;
    std::sort(found_.begin(), found_.end(), [](const Signature& a, const Signature& b) {
      return a.offset != b.offset ? a.offset < b.offset : a.length < b.length;
    });
    found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
    return found_;
  }

 private:
  [[nodiscard]] bool fits(uint64_t offset, uint64_t length) const { return offset <= size_ && length <= size_ - offset; }

  // False where the device ends before, and after a failure to read, which ends the search.
  bool read(uint64_t offset, std::span<uint8_t> out) {
    if (failure_ || !fits(offset, out.size())) return false;
    if (offset + out.size() <= head_.size()) {
      std::memcpy(out.data(), head_.data() + offset, out.size());
      return true;
    }
    auto done = source_.read(offset, out);
    if (!done) failure_ = done.error();
    return done.ok();
  }

  void add(const char* name, const char* usage, uint64_t offset, size_t length) {
    found_.push_back({name, usage, offset, static_cast<uint32_t>(length)});
  }

  bool match(const char* name, const char* usage, uint64_t offset, std::string_view bytes) {
    uint8_t there[32];
    std::span<uint8_t> part(there, bytes.size());
    if (!read(offset, part) || std::memcmp(there, bytes.data(), bytes.size()) != 0) return false;
    add(name, usage, offset, bytes.size());
    return true;
  }

  // The kernel mounts a FAT without looking at any name: what makes it one are the fields of its parameter block. Without
  // the size of a sector there is none.
  void find_bare_vfat() {
    auto vfat = parse_vfat(head_);
    if (!vfat || vfat.value().has_value()) add("vfat", "filesystem", 11, 2);
  }

  // The last sector, and where the first header says that its copy is (the disk may have grown since).
  void find_gpt_backups() {
    for (uint64_t sector : {uint64_t{512}, 4 * kKiB}) {
      uint8_t header[40];
      if (read(sector, header) && std::memcmp(header, kGptMagic.data(), kGptMagic.size()) == 0) {
        uint64_t alternate = le64(header, 32), offset = 0;
        if (alternate > 1 && !__builtin_mul_overflow(alternate, sector, &offset)) match("gpt", "table", offset, kGptMagic);
      }
      if (size_ >= 3 * sector) match("gpt", "table", (size_ / sector - 1) * sector, kGptMagic);
    }
  }

  // md(4): version 0.90 in the last 64 KiB that begin at a multiple of 64 KiB, in the byte order of its maker; 1.0 at least 8 KiB
  // before the end at a multiple of 4 KiB, 1.1 at the start, 1.2 at 4 KiB, always little-endian, and saying themselves where they
  // are.
  void find_md() {
    constexpr uint32_t kMagicBytes = 0xa92b4efc;
    uint8_t superblock[256];
    uint64_t sectors = size_ / 512;
    if (sectors >= 128) {
      uint64_t offset = ((sectors & ~uint64_t{127}) - 128) * 512;
      bool is_there = read(offset, std::span(superblock, 8));
      bool is_little = is_there && le32(superblock, 0) == kMagicBytes && le32(superblock, 4) == 0;
      bool is_big = is_there && be32(superblock, 0) == kMagicBytes && be32(superblock, 4) == 0;
      if (is_little || is_big) add("md", "raid", offset, 4);
    }
    uint64_t at_end = sectors >= 16 ? ((sectors - 16) & ~uint64_t{7}) : 0;
    for (uint64_t sector : {uint64_t{0}, uint64_t{8}, at_end}) {
      if (!read(sector * 512, superblock)) continue;
      bool is_ours = le32(superblock, 0) == kMagicBytes && le32(superblock, 4) == 1 && le64(superblock, 128) == sector;
      if (is_ours) add("md", "raid", sector * 512, 4);
    }
  }

  // Four labels of 256 KiB, two at each end; in the second half of each the uberblocks, at multiples of 1 KiB or more.
  void find_zfs() {
    constexpr uint64_t kLabel = 256 * kKiB, kRing = 128 * kKiB, kUberblock = 0x00bab10c;
    if (size_ < 4 * kLabel) return;
    uint64_t end = size_ / kLabel * kLabel;
    std::vector<uint8_t> ring(kRing);
    for (uint64_t label : {uint64_t{0}, kLabel, end - 2 * kLabel, end - kLabel}) {
      if (!read(label + kLabel - kRing, ring)) return;
      for (size_t slot = 0; slot < kRing; slot += kKiB) {
        if (le64(ring, slot) == kUberblock || be64(ring, slot) == kUberblock) {
          add("zfs", "filesystem", label + kLabel - kRing + slot, 8);
        }
      }
    }
  }

  const ByteSource& source_;
  uint64_t size_;
  std::vector<uint8_t> head_;
  std::vector<Signature> found_;
  std::optional<Error> failure_;
};

}  // namespace

Result<std::vector<Signature>> find_signatures(const ByteSource& source) { return Finder(source).find(); }

}  // namespace talos::block
