#include "block/gpt_write.h"

#include <algorithm>
#include <numeric>

#include "base/crc32.h"

namespace talos::block {
namespace {

constexpr uint32_t kHeaderBytes = 92;
constexpr size_t kBootCodeBytes = 440;
constexpr uint64_t kAlignmentBytes = 1024 * 1024;

Error no_space(std::string detail) { return Error{ENOSPC, "gpt", {}, {}, std::move(detail)}; }
Error invalid_partition(std::string detail) { return Error{EINVAL, "gpt", {}, {}, std::move(detail)}; }

std::vector<uint8_t> header_sector(const GptTable& table, uint64_t own, uint64_t other, uint64_t entries, uint32_t sector_bytes) {
  std::vector<uint8_t> sector(sector_bytes);
  std::memcpy(sector.data(), "EFI PART", 8);
  put_le(sector, 8, 0x00010000, 4);
  put_le(sector, 12, kHeaderBytes, 4);
  put_le(sector, 24, own, 8);
  put_le(sector, 32, other, 8);
  put_le(sector, 40, table.first_usable_lba, 8);
  put_le(sector, 48, table.last_usable_lba, 8);
  std::copy(table.disk_id.bytes.begin(), table.disk_id.bytes.end(), sector.begin() + 56);
  put_le(sector, 72, entries, 8);
  put_le(sector, 80, table.entry_count, 4);
  put_le(sector, 84, table.entry_bytes, 4);
  put_le(sector, 88, crc32(table.entries), 4);
  put_le(sector, 16, crc32(Bytes(sector).first(kHeaderBytes)), 4);
  return sector;
}

// One entry over the whole disk, or as much of it as 32 bits can say.
std::vector<uint8_t> protective_mbr(uint64_t sectors, uint32_t sector_bytes, Bytes boot_code) {
  std::vector<uint8_t> sector(sector_bytes);
  std::copy_n(boot_code.begin(), std::min(boot_code.size(), kBootCodeBytes), sector.begin());
  constexpr uint8_t kEntry[8] = {0x00, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff};
  std::copy_n(kEntry, sizeof kEntry, sector.begin() + 446);
  put_le(sector, 454, 1, 4);
  put_le(sector, 458, std::min<uint64_t>(sectors - 1, UINT32_MAX), 4);
  sector[510] = 0x55;
  sector[511] = 0xaa;
  return sector;
}

uint64_t alignment_for(uint32_t optimal_io_bytes, uint32_t sector_bytes) {
  uint64_t common = optimal_io_bytes % sector_bytes == 0 && optimal_io_bytes > 0
                        ? std::lcm(kAlignmentBytes, uint64_t{optimal_io_bytes})
                        : kAlignmentBytes;
  return common <= 64 * kAlignmentBytes ? common : kAlignmentBytes;
}

}  // namespace

GptTable table_of(const GptCopy& copy) {
  const GptHeader& header = copy.header;
  uint64_t entries_lba = header.own_lba == 1 ? header.entries_lba : 2;
  return {header.disk_id, header.first_usable_lba, header.last_usable_lba, entries_lba, header.entry_count, header.entry_bytes,
          copy.entries};
}

GptOrder order_for(const GptState& state) {
  return state.active() == &state.backup ? GptOrder::kPrimaryFirst : GptOrder::kBackupFirst;
}

Result<std::vector<GptWrite>> plan_gpt_write(const GptTable& table, uint64_t sectors, uint32_t sector_bytes, GptOrder order,
                                             bool with_mbr, Bytes boot_code) {
  uint64_t array = (table.entries.size() + sector_bytes - 1) / sector_bytes;
  if (sectors < 2 * array + 4) return no_space("a disk of " + std::to_string(sectors) + " sectors");
  uint64_t last = sectors - 1;
  if (table.entries_lba + array > table.first_usable_lba) return no_space("entries reach into the first usable sector");
  if (table.last_usable_lba >= last - array) return no_space("the last usable sector leaves no room for the backup");
  std::vector<uint8_t> entries(array * sector_bytes);
  std::copy(table.entries.begin(), table.entries.end(), entries.begin());

  std::vector<GptWrite> backup = {
      {"backup entries", (last - array) * sector_bytes, entries, true},
      {"backup header", last * sector_bytes, header_sector(table, last, 1, last - array, sector_bytes), true}};
  std::vector<GptWrite> plan = {
      {"primary entries", table.entries_lba * sector_bytes, std::move(entries), true},
      {"primary header", sector_bytes, header_sector(table, 1, last, table.entries_lba, sector_bytes), true}};
  plan.insert(order == GptOrder::kBackupFirst ? plan.begin() : plan.end(), backup.begin(), backup.end());
  if (with_mbr) plan.push_back({"protective MBR", 0, protective_mbr(sectors, sector_bytes, boot_code), true});
  return plan;
}

Result<GptTable> plan_gpt_layout(const std::vector<GptPartitionRequest>& partitions, const Guid& disk_id, uint64_t size_bytes,
                                 uint32_t sector_bytes, uint32_t optimal_io_bytes) {
  GptTable table;
  table.disk_id = disk_id;
  uint64_t array_bytes = uint64_t{table.entry_count} * table.entry_bytes;
  uint64_t reserved = array_bytes / sector_bytes + 1;  // entries and header, at each end
  uint64_t sectors = size_bytes / sector_bytes;
  if (partitions.size() > table.entry_count)
    return invalid_partition("more than " + std::to_string(table.entry_count) + " partitions");
  if (sectors < 2 * reserved + 2) return no_space("a disk of " + std::to_string(size_bytes) + " bytes");
  table.first_usable_lba = 1 + reserved;
  table.last_usable_lba = sectors - 1 - reserved;
  table.entries.resize(array_bytes);

  uint64_t step = alignment_for(optimal_io_bytes, sector_bytes) / sector_bytes;
  uint64_t next = (table.first_usable_lba + step - 1) / step * step;
  uint64_t end = (table.last_usable_lba + 1) / step * step;
  for (size_t index = 0; index < partitions.size(); index++) {
    const GptPartitionRequest& wanted = partitions[index];
    std::string which = "partition " + std::to_string(index + 1);
    if (wanted.type.is_zero() || wanted.id.is_zero()) return invalid_partition(which + " without a type or an id");
    if (wanted.size_bytes == 0 && index + 1 != partitions.size())
      return invalid_partition(which + " takes the rest and is not the last");
    uint64_t free = next < end ? end - next : 0;
    uint64_t length = free;
    if (wanted.size_bytes != 0) {
      length = wanted.size_bytes / sector_bytes + (wanted.size_bytes % sector_bytes != 0 ? 1 : 0);
      length = (length + step - 1) / step * step;
    }
    if (length == 0 || length > free) {
      return no_space(which + ": " + std::to_string(free * sector_bytes) + " bytes are left");
    }
    auto name = encode_gpt_name(wanted.name);
    if (!name) return invalid_partition(which + ": a name of more than 36 UTF-16 units");
    std::span<uint8_t> entry = std::span(table.entries).subspan(index * table.entry_bytes, table.entry_bytes);
    std::copy(wanted.type.bytes.begin(), wanted.type.bytes.end(), entry.begin());
    std::copy(wanted.id.bytes.begin(), wanted.id.bytes.end(), entry.begin() + 16);
    put_le(entry, 32, next, 8);
    put_le(entry, 40, next + length - 1, 8);
    put_le(entry, 48, wanted.attributes, 8);
    std::copy(name->begin(), name->end(), entry.begin() + 56);
    next += length;
  }
  return table;
}

Result<GptTable> plan_gpt_changes(const GptCopy& copy, const std::vector<GptChange>& changes, uint64_t sectors,
                                  uint32_t sector_bytes) {
  GptTable table = table_of(copy);
  uint64_t array = (table.entries.size() + sector_bytes - 1) / sector_bytes;
  for (const GptChange& change : changes) {
    auto at = std::find_if(copy.partitions.begin(), copy.partitions.end(),
                           [&](const GptPartition& each) { return each.number == change.number; });
    std::string which = "partition " + std::to_string(change.number);
    if (at == copy.partitions.end()) return Error{ENOENT, "gpt", {}, {}, "no " + which};
    std::span<uint8_t> entry = std::span(table.entries).subspan((at->number - 1) * table.entry_bytes, table.entry_bytes);
    if (change.attributes) put_le(entry, 48, *change.attributes, 8);
    if (!change.grows) continue;
    bool is_last = std::all_of(copy.partitions.begin(), copy.partitions.end(),
                               [&](const GptPartition& each) { return each.last_lba <= at->last_lba; });
    if (!is_last) return invalid_partition("another partition lies behind " + which);
    if (sectors < 2 * array + 4) return no_space("a disk of " + std::to_string(sectors) + " sectors");
    table.last_usable_lba = std::max(table.last_usable_lba, sectors - 2 - array);
    uint64_t step = kAlignmentBytes / sector_bytes;
    uint64_t end = (table.last_usable_lba + 1) / step * step;
    put_le(entry, 40, std::max(at->last_lba, end - 1), 8);
  }
  return table;
}

}  // namespace talos::block
