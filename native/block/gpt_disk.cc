#include "block/gpt_disk.h"

#include <algorithm>

#include "block/inspect.h"

namespace talos::block {
namespace {

Error with_path(Error error, const std::string& path) {
  if (error.path.empty()) error.path = path;
  return error;
}

Result<GptState> read_checked(const Device& device) {
  auto state = read_gpt(device, device.geometry().logical_sector_bytes);
  if (!state) return with_path(state.error(), device.path());
  if (auto readable = require_readable(state.value()); !readable) return with_path(readable.error(), device.path());
  return state;
}

Result<GptState> write_table(const Device& device, const GptState& before, const GptTable& table, bool with_mbr,
                             Bytes boot_code) {
  auto plan = plan_gpt_write(table, before.sectors, before.sector_bytes, order_for(before), with_mbr, boot_code);
  if (!plan) return with_path(plan.error(), device.path());
  for (const GptWrite& write : plan.value()) {
    if (auto written = device.write(write.offset, write.bytes); !written) return written.error();
    if (!write.flush_after) continue;
    if (auto flushed = device.flush(); !flushed) return flushed.error();
  }
  if (auto settled = device.settle(); !settled) return settled.error();
  auto after = read_checked(device);
  if (!after) return after;
  bool is_kept =
      after.value().problems().empty() && after.value().active() != nullptr && after.value().active()->entries == table.entries;
  if (!is_kept) return Error{EIO, "gpt", device.path(), {}, "the device does not have what was written"};
  return after;
}

Result<void> make_ids(std::vector<GptPartitionRequest>& partitions, Guid& disk_id) {
  std::vector<Guid*> all = {&disk_id};
  for (GptPartitionRequest& partition : partitions) all.push_back(&partition.id);
  for (Guid* id : all) {
    if (!id->is_zero()) continue;
    if (auto filled = sys::fill_random(id->bytes); !filled) return filled;
    id->bytes[7] = static_cast<uint8_t>((id->bytes[7] & 0x0f) | 0x40);  // version 4, in the third field, which is little-endian
    id->bytes[8] = static_cast<uint8_t>((id->bytes[8] & 0x3f) | 0x80);
  }
  return {};
}

// A table in place of another is for its owner to ask for; anything else has to be wiped first, by name.
Result<void> require_free(const Device& device, const GptState& before, bool replaces_gpt) {
  auto found = find_signatures(device);
  if (!found) return found.error();
  for (const Signature& signature : found.value()) {
    bool is_table = std::string_view(signature.usage) == "table" && before.active() != nullptr;
    if (replaces_gpt && is_table) continue;
    return Error{EEXIST, "gpt", device.path(), {}, std::string(signature.name) + " at byte " + std::to_string(signature.offset)};
  }
  return {};
}

// Of another kind than ours.
Result<bool> has_other_table(const Device& device) {
  auto found = find_signatures(device);
  if (!found) return found.error();
  return std::any_of(found.value().begin(), found.value().end(),
                     [](const Signature& each) { return std::string_view(each.usage) == "table"; });
}

std::vector<sys::KernelPartition> in_bytes(const GptState& state) {
  std::vector<sys::KernelPartition> partitions;
  if (state.active() == nullptr) return partitions;
  for (const GptPartition& each : state.active()->partitions) {
    partitions.push_back({static_cast<int>(each.number), each.first_lba * state.sector_bytes,
                          (each.last_lba - each.first_lba + 1) * state.sector_bytes});
  }
  return partitions;
}

}  // namespace

Result<GptState> read_gpt_of(const std::string& path) {
  auto device = Device::open(path, sys::DeviceAccess::kRead);
  if (!device) return device.error();
  return read_checked(device.value());
}

Result<GptState> create_gpt(const std::string& path, std::vector<GptPartitionRequest> partitions, Guid disk_id,
                            bool replaces_gpt) {
  auto device = Device::open(path, sys::DeviceAccess::kExclusiveWrite);
  if (!device) return device.error();
  const sys::DeviceGeometry& geometry = device.value().geometry();
  auto before = read_gpt(device.value(), geometry.logical_sector_bytes);
  if (!before) return with_path(before.error(), path);
  if (auto is_free = require_free(device.value(), before.value(), replaces_gpt); !is_free) return is_free.error();
  if (auto made = make_ids(partitions, disk_id); !made) return made.error();
  auto table =
      plan_gpt_layout(partitions, disk_id, geometry.size_bytes, geometry.logical_sector_bytes, geometry.optimal_io_bytes);
  if (!table) return with_path(table.error(), path);
  std::vector<uint8_t> boot_code(before.value().active() != nullptr ? 440 : 0);
  if (auto read = device.value().read(0, boot_code); !read) return read.error();
  return write_table(device.value(), before.value(), table.value(), true, boot_code);
}

Result<GptState> repair_gpt(const std::string& path) {
  auto device = Device::open(path, sys::DeviceAccess::kExclusiveWrite);
  if (!device) return device.error();
  auto before = read_checked(device.value());
  if (!before) return before;
  const GptCopy* active = before.value().active();
  if (active == nullptr) return Error{ENOENT, "gpt", path, {}, "no partition table"};
  if (before.value().problems().empty()) return before;
  bool needs_mbr = !before.value().has_protective_mbr;
  std::vector<uint8_t> boot_code(needs_mbr ? 440 : 0);
  if (auto read = device.value().read(0, boot_code); !read) return read.error();
  return write_table(device.value(), before.value(), table_of(*active), needs_mbr, boot_code);
}

Result<GptState> change_gpt(const std::string& path, const std::vector<GptChange>& changes, bool may_be_in_use) {
  auto device = Device::open(path, may_be_in_use ? sys::DeviceAccess::kWrite : sys::DeviceAccess::kExclusiveWrite);
  if (!device) return device.error();
  auto before = read_checked(device.value());
  if (!before) return before;
  const GptCopy* active = before.value().active();
  if (active == nullptr) return Error{ENOENT, "gpt", path, {}, "no partition table"};
  auto table = plan_gpt_changes(*active, changes, before.value().sectors, before.value().sector_bytes);
  if (!table) return with_path(table.error(), path);
  // The protective MBR says how long the disk is.
  std::vector<uint8_t> boot_code(440);
  if (auto read = device.value().read(0, boot_code); !read) return read.error();
  return write_table(device.value(), before.value(), table.value(), true, boot_code);
}

PartitionChanges plan_partition_changes(const std::vector<sys::KernelPartition>& kernel,
                                        const std::vector<sys::KernelPartition>& wanted) {
  auto lacks = [](const std::vector<sys::KernelPartition>& list, const sys::KernelPartition& one) {
    return std::find(list.begin(), list.end(), one) == list.end();
  };
  auto longer_than = [&](const sys::KernelPartition& one) {
    return std::find_if(wanted.begin(), wanted.end(), [&](const sys::KernelPartition& each) {
      return each.number == one.number && each.start_bytes == one.start_bytes && each.length_bytes > one.length_bytes;
    });
  };
  PartitionChanges changes;
  for (const auto& each : kernel) {
    if (!lacks(wanted, each)) continue;
    if (auto longer = longer_than(each); longer != wanted.end()) {
      changes.grown.push_back(*longer);
    } else {
      changes.deleted.push_back(each.number);
    }
  }
  for (const auto& each : wanted) {
    if (lacks(kernel, each) && lacks(changes.grown, each)) changes.added.push_back(each);
  }
  return changes;
}

Result<PartitionSync> sync_partitions(const std::string& path) {
  auto device = Device::open(path, sys::DeviceAccess::kRead);
  if (!device) return device.error();
  const sys::DeviceGeometry& geometry = device.value().geometry();
  if (!geometry.is_block_device) return Error{ENOTBLK, "open", path, {}, {}};
  auto state = read_checked(device.value());
  if (!state) return state.error();
  if (state.value().active() == nullptr) {
    auto other = has_other_table(device.value());
    if (!other) return other.error();
    if (other.value()) return Error{ENOENT, "gpt", path, {}, "a table of another kind"};
  }
  PartitionSync sync;
  auto reread = sys::reread_partitions(device.value().fd(), path);
  // EINVAL: it is not to be searched for tables, as with loop devices. Those take partitions one by one, and what takes none says
  // so then.
  bool may_go_on = reread.ok() || reread.error().errno_value == EBUSY || reread.error().errno_value == EINVAL;
  if (!may_go_on) return reread.error();
  sync.was_reread = reread.ok();
  auto kernel = sys::kernel_partitions(geometry.major, geometry.minor);
  if (!kernel) return kernel.error();
  sync.changes = plan_partition_changes(kernel.value(), in_bytes(state.value()));
  for (int number : sync.changes.deleted) {
    if (auto deleted = sys::delete_partition(device.value().fd(), number, path); !deleted) return deleted.error();
  }
  for (const auto& each : sync.changes.grown) {
    auto grown = sys::resize_partition(device.value().fd(), each.number, each.start_bytes, each.length_bytes, path);
    if (!grown) return grown.error();
  }
  for (const auto& each : sync.changes.added) {
    auto added = sys::add_partition(device.value().fd(), each.number, each.start_bytes, each.length_bytes, path);
    if (!added) return added.error();
  }
  return sync;
}

}  // namespace talos::block
