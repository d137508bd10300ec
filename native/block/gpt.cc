#include "block/gpt.h"

#include <algorithm>
#include <string_view>

#include "base/crc32.h"

namespace talos::block {
namespace {

constexpr std::string_view kMagic = "EFI PART";
constexpr uint32_t kMinHeaderBytes = 92;
// The specification asks for at least 16 KiB and sets no limit; nobody makes more than a few KiB.
constexpr uint64_t kMaxEntriesBytes = 1024 * 1024;
constexpr uint32_t kMaxEntryBytes = 4096;

Error broken_table(const std::string& what, uint64_t offset) {
  return Error{EBADMSG, "gpt", {}, {}, what + " at byte " + std::to_string(offset)};
}

std::string number(uint64_t value) { return std::to_string(value); }

GptCopy read_copy(const ByteSource& source, uint64_t lba, uint64_t sectors, uint32_t sector_bytes) {
  GptCopy copy;
  auto fail = [&](const Error& error) {
    copy.state = error.errno_value == ENOENT ? GptCopy::State::kMissing : GptCopy::State::kDamaged;
    copy.problem = error.detail;
    if (error.errno_value != ENOENT && error.errno_value != EBADMSG) {
      copy.errno_value = error.errno_value;
      copy.problem = "cannot be read " + error.detail;
    }
    return copy;
  };
  std::vector<uint8_t> sector(sector_bytes);
  if (auto read = source.read(lba * sector_bytes, sector); !read) return fail(read.error());
  auto header = parse_gpt_header(sector, lba, sectors);
  if (!header) return fail(header.error());
  std::vector<uint8_t> entries(uint64_t{header.value().entry_count} * header.value().entry_bytes);
  if (auto read = source.read(header.value().entries_lba * sector_bytes, entries); !read) return fail(read.error());
  auto partitions = parse_gpt_entries(header.value(), entries, sector_bytes);
  if (!partitions) return fail(partitions.error());
  copy.state = GptCopy::State::kValid;
  copy.header = header.value();
  copy.entries = std::move(entries);
  copy.partitions = std::move(partitions).value();
  return copy;
}

// One of the four entries covers the disk as type 0xee. A hybrid table has others beside it.
bool is_protective(Bytes mbr) {
  if (mbr[510] != 0x55 || mbr[511] != 0xaa) return false;
  for (size_t entry = 446; entry < 510; entry += 16) {
    if (mbr[entry + 4] == 0xee && le32(mbr, entry + 8) == 1) return true;
  }
  return false;
}

}  // namespace

Result<GptHeader> parse_gpt_header(Bytes sector, uint64_t lba, uint64_t device_sectors) {
  uint64_t at = lba * sector.size();
  if (sector.size() < 512) return broken_table("a sector of " + number(sector.size()) + " bytes", at);
  if (std::memcmp(sector.data(), kMagic.data(), kMagic.size()) != 0) {
    return Error{ENOENT, "gpt", {}, {}, "no signature at byte " + number(at)};
  }
  if (le32(sector, 8) != 0x00010000) return broken_table("revision " + number(le32(sector, 8)), at + 8);
  uint32_t header_bytes = le32(sector, 12);
  if (header_bytes < kMinHeaderBytes || header_bytes > sector.size()) {
    return broken_table("a header of " + number(header_bytes) + " bytes", at + 12);
  }
  std::vector<uint8_t> summed(sector.begin(), sector.begin() + header_bytes);
  put_le(summed, 16, 0, 4);
  if (crc32(summed) != le32(sector, 16)) return broken_table("wrong checksum of the header", at + 16);

  GptHeader header;
  header.own_lba = le64(sector, 24);
  header.other_lba = le64(sector, 32);
  header.first_usable_lba = le64(sector, 40);
  header.last_usable_lba = le64(sector, 48);
  std::copy_n(sector.begin() + 56, 16, header.disk_id.bytes.begin());
  header.entries_lba = le64(sector, 72);
  header.entry_count = le32(sector, 80);
  header.entry_bytes = le32(sector, 84);
  header.entries_crc = le32(sector, 88);

  if (header.own_lba != lba) return broken_table("the header of sector " + number(header.own_lba), at + 24);
  if (header.other_lba == lba || header.other_lba == 0) {
    return broken_table("its copy said to be in sector " + number(header.other_lba), at + 32);
  }
  if (header.first_usable_lba < 2 || header.first_usable_lba > header.last_usable_lba) {
    return broken_table("a first usable sector of " + number(header.first_usable_lba), at + 40);
  }
  if (header.last_usable_lba >= device_sectors) {
    return broken_table("a last usable sector of " + number(header.last_usable_lba) + " of " + number(device_sectors), at + 48);
  }
  bool is_entry_size = is_power_of_two(header.entry_bytes) && header.entry_bytes >= 128 && header.entry_bytes <= kMaxEntryBytes;
  if (!is_entry_size) return broken_table("entries of " + number(header.entry_bytes) + " bytes", at + 84);
  uint64_t bytes = uint64_t{header.entry_count} * header.entry_bytes;
  if (header.entry_count == 0 || bytes > kMaxEntriesBytes) return broken_table(number(header.entry_count) + " entries", at + 80);
  uint64_t sectors = (bytes + sector.size() - 1) / sector.size();
  bool is_inside =
      header.entries_lba >= 2 && header.entries_lba < device_sectors && sectors <= device_sectors - header.entries_lba;
  bool is_apart = header.entries_lba > header.last_usable_lba || header.entries_lba + sectors <= header.first_usable_lba;
  bool has_header = lba >= header.entries_lba && lba < header.entries_lba + sectors;
  if (!is_inside || !is_apart || has_header) return broken_table("entries in sector " + number(header.entries_lba), at + 72);
  return header;
}

Result<std::vector<GptPartition>> parse_gpt_entries(const GptHeader& header, Bytes entries, uint32_t sector_bytes) {
  uint64_t base = header.entries_lba * sector_bytes;
  if (entries.size() != uint64_t{header.entry_count} * header.entry_bytes) return broken_table("entries cut off", base);
  if (crc32(entries) != header.entries_crc) return broken_table("wrong checksum of the entries", base);
  std::vector<GptPartition> partitions;
  for (uint32_t index = 0; index < header.entry_count; index++) {
    uint64_t offset = uint64_t{index} * header.entry_bytes;
    Bytes entry = entries.subspan(offset, header.entry_bytes);
    GptPartition partition;
    std::copy_n(entry.begin(), 16, partition.type.bytes.begin());
    if (partition.type.is_zero()) continue;
    std::copy_n(entry.begin() + 16, 16, partition.id.bytes.begin());
    partition.number = index + 1;
    partition.first_lba = le64(entry, 32);
    partition.last_lba = le64(entry, 40);
    partition.attributes = le64(entry, 48);
    partition.name = decode_utf16(entry.subspan(56, kGptNameBytes));
    bool is_inside = partition.first_lba >= header.first_usable_lba && partition.first_lba <= partition.last_lba &&
                     partition.last_lba <= header.last_usable_lba;
    if (!is_inside) {
      return broken_table("partition " + number(partition.number) + " of sectors " + number(partition.first_lba) + " to " +
                              number(partition.last_lba) + " outside of " + number(header.first_usable_lba) + " to " +
                              number(header.last_usable_lba),
                          base + offset + 32);
    }
    partitions.push_back(std::move(partition));
  }
  std::vector<const GptPartition*> by_place;
  for (const GptPartition& partition : partitions) by_place.push_back(&partition);
  std::sort(by_place.begin(), by_place.end(), [](auto* a, auto* b) { return a->first_lba < b->first_lba; });
  for (size_t i = 1; i < by_place.size(); i++) {
    const GptPartition &before = *by_place[i - 1], &after = *by_place[i];
    if (after.first_lba > before.last_lba) continue;
    return broken_table("partitions " + number(before.number) + " and " + number(after.number) + " overlap",
                        base + uint64_t{after.number - 1} * header.entry_bytes + 32);
  }
  return partitions;
}

const GptCopy* GptState::active() const {
  if (primary.state == GptCopy::State::kValid) return &primary;
  return backup.state == GptCopy::State::kValid ? &backup : nullptr;
}

bool GptState::copies_agree() const {
  const GptHeader &a = primary.header, &b = backup.header;
  return primary.state == GptCopy::State::kValid && backup.state == GptCopy::State::kValid && a.disk_id == b.disk_id &&
         a.first_usable_lba == b.first_usable_lba && a.last_usable_lba == b.last_usable_lba && a.entry_bytes == b.entry_bytes &&
         primary.entries == backup.entries;
}

std::vector<std::string> GptState::problems() const {
  std::vector<std::string> all;
  if (active() == nullptr) return all;
  if (primary.state != GptCopy::State::kValid) all.push_back("primary table: " + primary.problem);
  if (backup.state != GptCopy::State::kValid) all.push_back("backup table: " + backup.problem);
  if (active() == &primary && backup.state == GptCopy::State::kValid) {
    if (!copies_agree()) all.push_back("the backup table differs from the primary one");
    if (primary.header.other_lba != backup.header.own_lba) {
      all.push_back("the primary table looks for the backup in sector " + number(primary.header.other_lba));
    }
    if (backup.header.own_lba != sectors - 1) {
      all.push_back("the backup table is in sector " + number(backup.header.own_lba) + ", the disk ends with " +
                    number(sectors - 1));
    }
  }
  if (!has_protective_mbr) all.push_back("no protective MBR");
  return all;
}

Result<GptState> read_gpt(const ByteSource& source, uint32_t sector_bytes) {
  GptState state;
  state.sector_bytes = sector_bytes;
  bool is_size = is_power_of_two(sector_bytes) && sector_bytes >= 512 && sector_bytes <= 4096;
  if (!is_size) return Error{EINVAL, "gpt", {}, {}, "sectors of " + number(sector_bytes) + " bytes"};
  state.sectors = source.size_bytes() / sector_bytes;
  if (state.sectors < 6) return Error{EINVAL, "gpt", {}, {}, "a device of " + number(source.size_bytes()) + " bytes"};
  std::vector<uint8_t> mbr(512);
  // Unreadable is as good as not there: the table is what counts.
  state.has_protective_mbr = source.read(0, mbr).ok() && is_protective(mbr);
  state.primary = read_copy(source, 1, state.sectors, sector_bytes);
  // A primary header knows where its copy is: not at the end of a disk that has grown.
  bool is_valid = state.primary.state == GptCopy::State::kValid;
  uint64_t other = is_valid ? state.primary.header.other_lba : state.sectors - 1;
  state.backup = read_copy(source, other < state.sectors ? other : state.sectors - 1, state.sectors, sector_bytes);
  return state;
}

Result<void> require_readable(const GptState& state) {
  if (state.active() != nullptr) return {};
  bool is_nothing = state.primary.state == GptCopy::State::kMissing && state.backup.state == GptCopy::State::kMissing;
  if (is_nothing) return {};
  int failed = state.primary.errno_value != 0 ? state.primary.errno_value : state.backup.errno_value;
  std::string detail = "primary table: " + state.primary.problem + "; backup table: " + state.backup.problem;
  return Error{failed != 0 ? failed : EBADMSG, "gpt", {}, {}, detail};
}

}  // namespace talos::block
