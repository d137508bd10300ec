// Power cuts while a table is written. The device keeps any of the sectors written since the last flush, in any order, each whole
// or not at all; what a reader then finds must be the old table or the new one, and a repair must end in a disk without problems.
#include <algorithm>
#include <map>
#include <random>
#include <string>

#include "block/signature.h"
#include "test/gpt_image.h"

namespace {

using namespace talos::block;
using talos::test::check;
using talos::test::image_with;
using talos::test::table_for;

constexpr uint64_t kSize = 8 * 1024 * 1024;
constexpr int kSubsets = 200;

struct Verdict {
  int old_tables = 0, new_tables = 0, none = 0, wrong = 0, unrepaired = 0;
};

// A disk and the sectors that were written to it since.
class Patched : public ByteSource {
 public:
  explicit Patched(Bytes base) : base_(base) {}
  [[nodiscard]] uint64_t size_bytes() const override { return base_.size_bytes(); }
  talos::Result<void> read(uint64_t offset, std::span<uint8_t> out) const override {
    if (auto read = base_.read(offset, out); !read) return read;
    for (const auto& [at, bytes] : patches_) {
      uint64_t begin = std::max(at, offset), end = std::min(at + bytes.size(), offset + out.size());
      if (begin < end) std::memcpy(out.data() + (begin - offset), bytes.data() + (begin - at), end - begin);
    }
    return {};
  }
  void write(const GptWrite& write) { patches_[write.offset] = write.bytes; }

 private:
  MemorySource base_;
  std::map<uint64_t, std::vector<uint8_t>> patches_;
};

std::string name_on(const ByteSource& disk, uint32_t sector_bytes) {
  auto state = read_gpt(disk, sector_bytes);
  if (!state || !require_readable(state.value())) return "error";
  return state.value().active() == nullptr ? "" : state.value().active()->partitions.at(0).name;
}

std::vector<GptWrite> plan_on(const ByteSource& disk, const GptTable* table, uint32_t sector_bytes) {
  GptState state = read_gpt(disk, sector_bytes).value();
  GptTable wanted = table != nullptr ? *table : table_of(*state.active());
  return plan_gpt_write(wanted, state.sectors, sector_bytes, order_for(state), true, {}).value();
}

// The writes as single sectors, in groups that end with a flush.
std::vector<std::vector<GptWrite>> by_flush(const std::vector<GptWrite>& plan, uint32_t sector_bytes) {
  std::vector<std::vector<GptWrite>> groups(1);
  for (const GptWrite& write : plan) {
    for (size_t at = 0; at < write.bytes.size(); at += sector_bytes) {
      auto begin = write.bytes.begin() + static_cast<ptrdiff_t>(at);
      groups.back().push_back({write.what, write.offset + at, {begin, begin + sector_bytes}, false});
    }
    if (write.flush_after) groups.emplace_back();
  }
  check(groups.back().empty(), "the last write is flushed");
  groups.pop_back();
  return groups;
}

void judge(const Patched& disk, const std::string& old_name, uint32_t sector_bytes, Verdict& verdict) {
  std::string name = name_on(disk, sector_bytes);
  if (name == "NEW") {
    verdict.new_tables++;
  } else if (name == old_name) {
    (name.empty() ? verdict.none : verdict.old_tables)++;
  } else {
    verdict.wrong++;
  }
  if (name.empty() && !find_signatures(disk).value().empty()) verdict.wrong++;  // or nobody would begin again
  if (name.empty() || name == "error") return;
  Patched repaired = disk;
  for (const auto& group : by_flush(plan_on(disk, nullptr, sector_bytes), sector_bytes)) {
    for (const GptWrite& write : group) repaired.write(write);
  }
  bool is_whole = read_gpt(repaired, sector_bytes).value().problems().empty();
  if (!is_whole || name_on(repaired, sector_bytes) != name) verdict.unrepaired++;
}

GptTable grown(const std::vector<uint8_t>& disk, uint32_t sector_bytes) {
  GptState state = read_gpt(MemorySource(disk), sector_bytes).value();
  GptTable table = plan_gpt_changes(*state.active(), {{2, {}, true}}, state.sectors, sector_bytes).value();
  auto name = *encode_gpt_name("NEW");
  std::copy(name.begin(), name.end(), table.entries.begin() + 56);  // so that the two can be told apart
  return table;
}

void cut(const char* what, const std::vector<uint8_t>& before, uint32_t sector_bytes, const GptTable& table) {
  Patched disk(before);
  std::string old_name = name_on(disk, sector_bytes);
  std::mt19937 random(512);
  Verdict verdict;
  bool is_decided = false;  // once the new table counted after a flush, the old one must not come back
  for (const auto& group : by_flush(plan_on(disk, &table, sector_bytes), sector_bytes)) {
    Verdict here;
    Patched partial = disk;
    for (const GptWrite& write : group) {  // in order, after each sector
      judge(partial, old_name, sector_bytes, here);
      partial.write(write);
    }
    for (int round = 0; round < kSubsets; round++) {  // in any order
      Patched some = disk;
      for (const GptWrite& write : group) {
        if (random() % 2 == 0) some.write(write);
      }
      judge(some, old_name, sector_bytes, here);
    }
    if (is_decided) check(here.old_tables + here.none == 0, "the new table stays");
    disk = partial;
    is_decided = name_on(disk, sector_bytes) == "NEW";
    verdict.old_tables += here.old_tables, verdict.new_tables += here.new_tables, verdict.none += here.none;
    verdict.wrong += here.wrong, verdict.unrepaired += here.unrepaired;
  }
  check(verdict.wrong == 0, std::string(what) + ": never another or an unreadable table");
  check(verdict.unrepaired == 0, std::string(what) + ": can always be repaired");
  check(verdict.new_tables > 0 && (verdict.old_tables > 0 || verdict.none > 0), "both sides of the moment were seen");
  auto done = read_gpt(disk, sector_bytes).value();
  check(done.problems().empty() && name_on(disk, sector_bytes) == "NEW", std::string(what) + ": complete");
}

}  // namespace

int main() {
  for (uint32_t sector_bytes : {512u, 4096u}) {
    std::vector<uint8_t> old = image_with(kSize, sector_bytes, "OLD");
    GptTable table = table_for(kSize, sector_bytes, "NEW");
    cut("an empty disk", std::vector<uint8_t>(kSize), sector_bytes, table);
    cut("a table in place of another", old, sector_bytes, table);
    std::vector<uint8_t> only_backup = old;
    only_backup[sector_bytes + 20] ^= 1;
    only_backup[sector_bytes] ^= 1;
    cut("the primary is lost", only_backup, sector_bytes, table);
    std::vector<uint8_t> only_primary = old;
    only_primary[kSize - sector_bytes + 24] ^= 1;
    cut("the backup is lost", only_primary, sector_bytes, table);
    std::vector<uint8_t> longer = old;
    longer.resize(kSize + 4 * 1024 * 1024);
    cut("the last partition grows with the disk", longer, sector_bytes, grown(longer, sector_bytes));
  }
  return talos::test::finish();
}
