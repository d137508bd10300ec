// Partition tables: layout, writing, reading, damage. Power cuts: gpt_cut_test.cc. Real tools: test/native/block-gpt.test.ts.
#include <algorithm>

#include "base/crc32.h"
#include "block/gpt_disk.h"
#include "test/gpt_image.h"

namespace {

using namespace talos::block;
using talos::test::apply;
using talos::test::check;
using talos::test::check_equal;
using talos::test::guid;
using talos::test::image_with;
using talos::test::table_for;

constexpr uint64_t kMiB = 1024 * 1024;

GptState state_of(const std::vector<uint8_t>& image, uint32_t sector_bytes) {
  auto state = read_gpt(MemorySource(image), sector_bytes);
  check(state.ok());
  return state.value();
}

void what_is_written_is_read() {
  for (uint32_t sector_bytes : {512u, 4096u}) {
    std::vector<uint8_t> image = image_with(16 * kMiB, sector_bytes, "STATE");
    GptState state = state_of(image, sector_bytes);
    check(state.active() == &state.primary);
    check(state.problems().empty());
    check(state.has_protective_mbr);
    check_equal(state.primary.partitions.size(), 2u);
    const GptPartition& first = state.primary.partitions[0];
    check_equal(first.name, "STATE");
    check_equal(first.number, 1u);
    check_equal(first.first_lba * sector_bytes, kMiB);
    check_equal(first.last_lba * sector_bytes, 5 * kMiB - sector_bytes);
    check_equal(first.attributes, 0x8123000000000005u, "bits of the type are kept");
    const GptPartition& rest = state.primary.partitions[1];
    check_equal(rest.first_lba * sector_bytes, 5 * kMiB);
    check_equal((rest.last_lba + 1) * sector_bytes, 15 * kMiB, "ends aligned, before the backup");
    check_equal(guid_text(first.type), "0fc63daf-8483-4772-8e79-3d69d8477de4");
    check(!state_of(image, sector_bytes == 512 ? 4096 : 512).active(), "sectors of another size");
  }
}

void the_backup_serves() {
  std::vector<uint8_t> image = image_with(16 * kMiB, 512, "STATE");
  auto damaged = [&](size_t at) {
    std::vector<uint8_t> copy = image;
    copy[at] ^= 0x40;
    return state_of(copy, 512);
  };
  for (size_t at : {512u, 512u + 24, 512u + 50, 1024u, 1024u + 128 * 127}) {
    GptState state = damaged(at);
    check(state.active() == &state.backup);
    check(!state.problems().empty() && state.problems()[0].starts_with("primary table: "));
  }
  GptState state = damaged(image.size() - 512 + 40);
  check(state.active() == &state.primary);
  check_equal(state.problems().at(0), "backup table: wrong checksum of the header at byte " + std::to_string(image.size() - 496));
  check_equal(damaged(510).problems().at(0), "no protective MBR");
  check_equal(damaged(1024 + 5).problems().at(0), "primary table: wrong checksum of the entries at byte 1024");

  std::vector<uint8_t> both = image;
  both[512 + 24] ^= 1;
  both[image.size() - 1024 - 1] ^= 1;
  GptState lost = state_of(both, 512);
  check(lost.active() == nullptr);
  auto readable = require_readable(lost);
  check(!readable && readable.error().errno_value == EBADMSG);
  check(readable.error().detail.find("backup table: wrong checksum of the entries at byte") != std::string::npos);
  check(require_readable(state_of(std::vector<uint8_t>(kMiB), 512)).ok(), "no table is no error");
  std::vector<uint8_t> grown = image;
  grown.resize(20 * kMiB);
  check(state_of(grown, 512).problems().at(0).find("the disk ends with 40959") != std::string::npos);
}

// Damages a header and makes its checksum right again.
std::string fault_of(size_t at, uint64_t value, size_t width) {
  std::vector<uint8_t> image = image_with(16 * kMiB, 512, "STATE");
  std::span<uint8_t> header = std::span(image).subspan(512, 512);
  put_le(header, at, value, width);
  if (at != 16) {
    put_le(header, 16, 0, 4);
    uint32_t bytes = le32(header, 12);
    if (bytes <= 512) put_le(header, 16, talos::crc32(header.first(bytes)), 4);
  }
  auto parsed = parse_gpt_header(header, 1, image.size() / 512);
  return parsed.ok() ? "" : parsed.error().detail;
}

void absurd_headers_are_refused() {
  check_equal(fault_of(8, 2, 4), "revision 2 at byte 520");
  check_equal(fault_of(12, 91, 4), "a header of 91 bytes at byte 524");
  check_equal(fault_of(12, 0xffffffff, 4), "a header of 4294967295 bytes at byte 524");
  check_equal(fault_of(24, 2, 8), "the header of sector 2 at byte 536");
  check_equal(fault_of(32, 1, 8), "its copy said to be in sector 1 at byte 544");
  check_equal(fault_of(40, 40'000, 8), "a first usable sector of 40000 at byte 552");
  check_equal(fault_of(48, UINT64_MAX, 8), "a last usable sector of 18446744073709551615 of 32768 at byte 560");
  check_equal(fault_of(72, 33, 8), "entries in sector 33 at byte 584");
  check_equal(fault_of(72, 1, 8), "entries in sector 1 at byte 584");
  check_equal(fault_of(72, UINT64_MAX, 8), "entries in sector 18446744073709551615 at byte 584");
  check_equal(fault_of(80, 0, 4), "0 entries at byte 592");
  check_equal(fault_of(80, 0xffffffff, 4), "4294967295 entries at byte 592");
  check_equal(fault_of(84, 64, 4), "entries of 64 bytes at byte 596");
  check_equal(fault_of(84, 129, 4), "entries of 129 bytes at byte 596");
  check_equal(fault_of(84, 0x80000000, 4), "entries of 2147483648 bytes at byte 596");
}

std::string entry_fault(uint32_t index, uint64_t first, uint64_t last) {
  GptTable table = table_for(16 * kMiB, 512, "STATE");
  put_le(table.entries, index * 128 + 32, first, 8);
  put_le(table.entries, index * 128 + 40, last, 8);
  GptHeader header = {1, 32767, 34, 32734, table.disk_id, 2, 128, 128, talos::crc32(table.entries)};
  auto parsed = parse_gpt_entries(header, table.entries, 512);
  return parsed.ok() ? "" : parsed.error().detail;
}

void impossible_partitions_are_refused() {
  check_equal(entry_fault(0, 33, 100), "partition 1 of sectors 33 to 100 outside of 34 to 32734 at byte 1056");
  check_equal(entry_fault(0, 200, 100), "partition 1 of sectors 200 to 100 outside of 34 to 32734 at byte 1056");
  check_equal(entry_fault(1, 20'000, 32'735), "partition 2 of sectors 20000 to 32735 outside of 34 to 32734 at byte 1184");
  check_equal(entry_fault(1, 10'239, 20'000), "partitions 1 and 2 overlap at byte 1184");
  check_equal(entry_fault(1, 10'240, 20'000), "", "neighbours");
}

void layouts_are_checked() {
  GptPartitionRequest one = {guid(1), guid(2), "x", 0, 0};
  auto fails = [](std::vector<GptPartitionRequest> all, uint64_t size, int code, std::string_view words) {
    auto table = plan_gpt_layout(all, guid(3), size, 512, 0);
    check(!table && table.error().errno_value == code && table.error().detail.find(words) != std::string::npos, words);
  };
  fails({one, one}, 16 * kMiB, EINVAL, "partition 1 takes the rest");
  fails({one}, 1 * kMiB, ENOSPC, "partition 1: 0 bytes are left");
  fails({one}, 10'000, ENOSPC, "a disk of 10000 bytes");
  one.size_bytes = 15 * kMiB;
  fails({one}, 16 * kMiB, ENOSPC, "partition 1: 14680064 bytes are left");
  one.size_bytes = UINT64_MAX;
  fails({one}, 16 * kMiB, ENOSPC, "are left");
  one.size_bytes = 1;
  one.name = std::string(37, 'x');
  fails({one}, 16 * kMiB, EINVAL, "36 UTF-16 units");
  one.name = "\xff";
  fails({one}, 16 * kMiB, EINVAL, "36 UTF-16 units");
  fails(std::vector<GptPartitionRequest>(129, one), 1024 * kMiB, EINVAL, "more than 128");
  one.name = "x";
  one.type = {};
  fails({one}, 16 * kMiB, EINVAL, "without a type");
  one.type = guid(1);
  auto striped = plan_gpt_layout({one, one}, guid(3), 64 * kMiB, 512, 3 * 1024 * 256);
  check_equal(le64(striped.value().entries, 32) * 512, 3 * kMiB, "a multiple of the stripe as well");
  check_equal(le64(striped.value().entries, 128 + 32) * 512, 6 * kMiB);
}

void names_and_ids() {
  for (const char* name : {"", "EPHEMERAL", "Zürich €", "\xf0\x9f\x92\xbe disk"}) {
    auto encoded = encode_gpt_name(name);
    check(encoded.has_value());
    check_equal(decode_utf16(*encoded), name);
  }
  check(encode_gpt_name(std::string(36, 'n')).has_value());
  for (const char* name : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xe2\x82", "\x80"}) check(!encode_gpt_name(name));
  constexpr uint8_t kHalf[] = {0x3d, 0xd8, 0x41, 0x00, 0xbe, 0xdc};
  check_equal(decode_utf16(kHalf),
              "\xef\xbf\xbd"
              "A\xef\xbf\xbd",
              "halves of pairs");
  check_equal(decode_utf16(Bytes(kHalf).first(1)), "");
  auto id = parse_guid("C12A7328-F81F-11D2-BA4B-00A0C93EC93B");
  check(id.has_value() && id->bytes[0] == 0x28 && id->bytes[15] == 0x3b);
  check_equal(guid_text(*id), "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
  for (const char* text : {"", "c12a7328", "c12a7328-f81f-11d2-ba4b-00a0c93ec93g", "c12a7328xf81f-11d2-ba4b-00a0c93ec93b"}) {
    check(!parse_guid(text), text);
  }
}

void the_kernel_is_told_of_differences_only() {
  using Partitions = std::vector<talos::sys::KernelPartition>;
  auto changes = plan_partition_changes({{1, 100, 50}, {2, 200, 50}, {3, 300, 50}, {5, 500, 50}, {6, 600, 50}},
                                        {{1, 100, 50}, {2, 200, 60}, {4, 400, 1}, {5, 500, 40}, {6, 601, 60}});
  check(changes.deleted == std::vector<int>({3, 5, 6}));
  check(changes.grown == Partitions({{2, 200, 60}}), "one that became longer stays in use");
  check(changes.added == Partitions({{4, 400, 1}, {5, 500, 40}, {6, 601, 60}}));
}

void sizes_are_checked() {
  std::vector<uint8_t> small(2048);
  check_equal(read_gpt(MemorySource(small), 512).error().errno_value, EINVAL);
  for (uint32_t sector_bytes : {0u, 256u, 513u, 8192u}) check(!read_gpt(MemorySource(small), sector_bytes).ok());
  GptTable table = table_for(16 * kMiB, 512, "STATE");
  check_equal(plan_gpt_write(table, 100, 512, GptOrder::kBackupFirst, true, {}).error().errno_value, ENOSPC);
  table.entries_lba = 3;
  check_equal(plan_gpt_write(table, 32768, 512, GptOrder::kBackupFirst, true, {}).error().errno_value, ENOSPC);
}

}  // namespace

int main() {
  what_is_written_is_read();
  the_backup_serves();
  absurd_headers_are_refused();
  impossible_partitions_are_refused();
  layouts_are_checked();
  names_and_ids();
  the_kernel_is_told_of_differences_only();
  sizes_are_checked();
  return talos::test::finish();
}
