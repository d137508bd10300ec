// The parsers of superblocks and the table of marks, on bytes made here. Real file systems:
// test/native/block-filesystems.test.ts.
#include <string_view>

#include "base/crc32.h"
#include "block/inspect.h"
#include "test/tap.h"

namespace {

using namespace talos::block;
using talos::test::check;
using talos::test::check_equal;
using namespace std::literals;

Bytes bytes_of(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

void put(std::vector<uint8_t>& image, uint64_t at, std::string_view text) {
  if (image.size() < at + text.size()) image.resize(at + text.size());
  std::copy(text.begin(), text.end(), image.begin() + static_cast<ptrdiff_t>(at));
}

void sums_as_others_do() {
  check_equal(talos::crc32(bytes_of("123456789")), 0xcbf43926U);
  check_equal(talos::crc32(bytes_of("")), 0U);
  check_equal(talos::crc32(bytes_of("The quick brown fox jumps over the lazy dog")), 0x414fa339U);
  check_equal(~talos::crc32c_raw(~0U, bytes_of("123456789")), 0xe3069283U);
  check_equal(talos::crc32c_raw(talos::crc32c_raw(~0U, bytes_of("1234")), bytes_of("56789")),
              talos::crc32c_raw(~0U, bytes_of("123456789")), "goes on where it was");
  std::vector<uint8_t> zeros(32);
  check_equal(~talos::crc32c_raw(~0U, zeros), 0x8a9136aaU, "RFC 3720, B.4");
}

std::vector<uint8_t> ext_image() {
  std::vector<uint8_t> image(kExtOffset + kExtBytes);
  auto sb = std::span(image).subspan(kExtOffset);
  put_le(sb, 0x04, 4096, 4);
  put_le(sb, 0x38, 0xef53, 2);
  put_le(sb, 0x4c, 1, 4);
  put_le(sb, 0x60, 0x42, 4);  // filetype, extents
  for (size_t i = 0; i < 16; i++) sb[0x68 + i] = static_cast<uint8_t>(i * 0x11);
  put(image, kExtOffset + 0x78, "SIXTEEN-BYTES-AB");
  return image;
}

void refuses(Probed probed, std::string_view words) {
  bool is_refused = !probed.ok() && probed.error().errno_value == EBADMSG;
  check(is_refused && probed.error().detail.find(words) != std::string::npos, words);
}

void reads_ext() {
  std::vector<uint8_t> image = ext_image();
  Bytes sb = Bytes(image).subspan(kExtOffset);
  auto fs = parse_ext(sb);
  check(fs.ok() && fs.value().has_value());
  check_equal(fs.value()->type, "ext4"sv);
  check_equal(fs.value()->label, "SIXTEEN-BYTES-AB", "a full label has no end");
  check_equal(fs.value()->uuid, "00112233-4455-6677-8899-aabbccddeeff");
  check_equal(fs.value()->size_bytes, 4096u * 1024);
  check(fs.value()->checksum == Filesystem::Checksum::kNone);
  check(!parse_ext(sb.first(kExtBytes - 1)).value().has_value(), "cut off");

  auto mutable_sb = std::span(image).subspan(kExtOffset);
  put_le(mutable_sb, 0x64, 0x400, 4);
  check(parse_ext(sb).value()->checksum == Filesystem::Checksum::kWrong);
  put_le(mutable_sb, 0x3fc, talos::crc32c_raw(~0U, sb.first(0x3fc)), 4);
  check(parse_ext(sb).value()->checksum == Filesystem::Checksum::kValid);
  put_le(mutable_sb, 0x18, 7, 4);
  refuses(parse_ext(sb), "of 7 at byte 1048");
  put_le(mutable_sb, 0x18, 0, 4);
  put_le(mutable_sb, 0x60, 0x80, 4);
  put_le(mutable_sb, 0x150, 0xffffffff, 4);
  refuses(parse_ext(sb), "number of blocks");
  put_le(mutable_sb, 0x60, 0x8, 4);
  check(!parse_ext(sb).value().has_value(), "a journal of another is no file system");
  put_le(mutable_sb, 0x60, 0x2, 4);
  put_le(mutable_sb, 0x64, 0, 4);
  check_equal(parse_ext(sb).value()->type, "ext2"sv);
  put_le(mutable_sb, 0x5c, 0x4, 4);
  check_equal(parse_ext(sb).value()->type, "ext3"sv);
}

void refuses_impossible_superblocks() {
  std::vector<uint8_t> xfs(512);
  put(xfs, 0, "XFSB");
  refuses(parse_xfs(xfs), "block size of 0 at byte 4");
  xfs[6] = 0x10;
  refuses(parse_xfs(xfs), "sector size of 0 at byte 102");
  xfs[102] = 2;
  refuses(parse_xfs(xfs), "number of blocks of 0 at byte 8");
  std::vector<uint8_t> squashfs(kSquashfsBytes);
  put(squashfs, 0, "hsqs");
  refuses(parse_squashfs(squashfs), "version of 0 at byte 28");
  squashfs[28] = 4;
  refuses(parse_squashfs(squashfs), "block size");
  std::vector<uint8_t> erofs(kErofsBytes);
  put(erofs, 0, "\xe2\xe1\xf5\xe0"sv);
  refuses(parse_erofs(erofs), "at byte 1036");
  std::vector<uint8_t> vfat(512);
  put(vfat, 510, "\x55\xaa"sv);
  check(!parse_vfat(vfat).value().has_value(), "a boot mark alone is none");
  put_le(vfat, 11, 512, 2);
  vfat[13] = 4, vfat[14] = 1, vfat[16] = 2, vfat[21] = 0xf8;
  refuses(parse_vfat(vfat), "table length");
  vfat[22] = 20;
  refuses(parse_vfat(vfat), "number of sectors of 0");
}

std::vector<Signature> marks_of(const std::vector<uint8_t>& image) {
  auto found = find_signatures(MemorySource(image));
  check(found.ok());
  return found.value();
}

void finds_marks() {
  std::vector<uint8_t> image(4 * 1024 * 1024);
  check(marks_of(image).empty(), "nothing on zeros");
  check(inspect(MemorySource(image)).value().is_empty);
  check(inspect(MemorySource(image)).value().is_blank);
  check(!inspect(MemorySource({})).value().is_empty, "no medium is no empty disk");
  image[100] = 1;
  check(inspect(MemorySource(image)).value().is_empty && !inspect(MemorySource(image)).value().is_blank);

  struct {
    const char* name;
    uint64_t offset;
    std::string_view bytes;
  } marks[] = {{"ext", 1080, "\x53\xef"sv},
               {"btrfs", 65600, "_BHRfS_M"},
               {"lvm2", 512, "LABELONE"},
               {"swap", 4086, "SWAPSPACE2"},
               {"swap", 65526, "SWAPSPACE2"},
               {"luks", 0x200000, "SKUL\xba\xbe"},
               {"iso9660", 32769, "CD001"},
               {"mbr", 510, "\x55\xaa"},
               {"gpt", 512, "EFI PART"},
               {"gpt", 4096, "EFI PART"},
               {"gpt", 4 * 1024 * 1024 - 512, "EFI PART"},
               {"gpt", 4 * 1024 * 1024 - 4096, "EFI PART"},
               {"md", 4 * 1024 * 1024 - 65536, "\xfc\x4e\x2b\xa9\0\0\0\0"sv},
               {"md", 4 * 1024 * 1024 - 65536, "\xa9\x2b\x4e\xfc\0\0\0\0"sv},
               {"zfs", 128 * 1024 + 3072, "\x0c\xb1\xba\0\0\0\0\0"sv},
               {"zfs", 4 * 1024 * 1024 - 1024, "\0\0\0\0\0\xba\xb1\x0c"sv}};
  for (const auto& mark : marks) {
    std::vector<uint8_t> one(4 * 1024 * 1024);
    put(one, mark.offset, mark.bytes);
    auto found = marks_of(one);
    check(found.size() == 1 && found[0].name == std::string_view(mark.name) && found[0].offset == mark.offset, mark.name);
    check(!inspect(MemorySource(one)).value().is_empty);
    one.resize(mark.offset + 1);
    (void)marks_of(one);  // the end of the device in the middle of a mark
  }
  std::vector<uint8_t> md(4 * 1024 * 1024);
  put(md, 4096, "\xfc\x4e\x2b\xa9\x01\0\0\0"sv);
  check(marks_of(md).empty(), "md 1.2 says where it is");
  put_le(md, 4096 + 128, 8, 8);
  check_equal(marks_of(md).size(), 1u);
  std::vector<uint8_t> grown(4 * 1024 * 1024);
  put(grown, 512, "EFI PART");
  put_le(grown, 512 + 32, 1000, 8);
  put(grown, 512'000, "EFI PART");
  check_equal(marks_of(grown).size(), 2u, "a backup where the disk ended once");
}

struct FailingSource : ByteSource {
  [[nodiscard]] uint64_t size_bytes() const override { return 1 << 20; }
  talos::Result<void> read(uint64_t offset, std::span<uint8_t>) const override {
    if (offset < fails_from) return {};
    return talos::Error{EIO, "pread", "/dev/x", {}, {}};
  }
  uint64_t fails_from = 0;
};

void fails_as_reading_does() {
  FailingSource source;
  check(!inspect(source).ok() && inspect(source).error().errno_value == EIO);
  source.fails_from = 100'000;
  check(!inspect(source).ok(), "what cannot be read is not empty");
}

}  // namespace

int main() {
  sums_as_others_do();
  reads_ext();
  refuses_impossible_superblocks();
  finds_marks();
  fails_as_reading_does();
  std::vector<uint8_t> image = ext_image();
  talos::test::survive_damage({reinterpret_cast<char*>(image.data()), image.size()},
                              [](std::string_view text) { (void)probe_filesystems(bytes_of(text)); });
  return talos::test::finish();
}
