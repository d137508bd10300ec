#include "block/inspect.h"

#include <algorithm>

namespace talos::block {
namespace {

// One mark may hide another (a name that is looked at first); more often than this is a device that forgets.
constexpr int kMaxRounds = 4;

}  // namespace

Result<Inspection> inspect(const ByteSource& source) {
  Inspection inspection;
  inspection.size_bytes = source.size_bytes();
  auto signatures = find_signatures(source);
  if (!signatures) return signatures.error();
  std::vector<uint8_t> head(std::min<uint64_t>(source.size_bytes(), kHeadBytes));
  if (auto read = source.read(0, head); !read) return read.error();
  ProbeResult probed = probe_filesystems(head);
  inspection.signatures = std::move(signatures).value();
  inspection.filesystems = std::move(probed.filesystems);
  inspection.problems = std::move(probed.problems);
  // A device without a size is no empty disk but a drive without a medium.
  inspection.is_empty = inspection.signatures.empty() && source.size_bytes() > 0;
  inspection.is_blank = inspection.is_empty && is_zero(head);
  return inspection;
}

Result<Inspection> inspect_device(DeviceTarget target) {
  auto device = Device::open(std::move(target), sys::DeviceAccess::kRead);
  if (!device) return device.error();
  return inspect(device.value());
}

Result<std::vector<Signature>> wipe_signatures(DeviceTarget target) {
  auto device = Device::open(std::move(target), sys::DeviceAccess::kExclusiveWrite);
  if (!device) return device.error();
  std::vector<Signature> wiped;
  for (int round = 0; round < kMaxRounds; round++) {
    auto found = find_signatures(device.value());
    if (!found) return found.error();
    if (found.value().empty()) return wiped;
    for (const Signature& signature : found.value()) {
      std::vector<uint8_t> zeros(signature.length);
      if (auto written = device.value().write(signature.offset, zeros); !written) return written.error();
      wiped.push_back(signature);
    }
    if (auto settled = device.value().settle(); !settled) return settled.error();
  }
  std::string what = std::string(wiped.back().name) + " at byte " + std::to_string(wiped.back().offset);
  return Error{EIO, "pwrite", device.value().path(), {}, "still there after it was zeroed: " + what};
}

}  // namespace talos::block
