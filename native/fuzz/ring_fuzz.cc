// Writer and readers of a log ring against the model, with operations out of the input: whatever is written, published, read and
// sought in whichever order and sizes, a record is read as it was written or counted as missed. The writer may be stopped for
// good after any number of its stores, and the readers go on.
#include <algorithm>
#include <memory>
#include <vector>

#include "fuzz/input.h"
#include "ring/reader.h"
#include "ring/writer_impl.h"
#include "sys/descriptor_calls.h"

namespace {

using namespace talos;
using fuzz::require;

constexpr size_t kDataBytes = 4096;
// Enough to go round the ring some times; more only take longer.
constexpr int kMostOperations = 60;

// Stores until `left` is used up, then nothing more: what a killed writer leaves behind.
struct LimitedStores {
  static inline uint64_t left = 0;

  static void copy(std::byte* to, const void* from, size_t bytes) noexcept {
    const size_t stored = std::min<uint64_t>(bytes, left);
    std::memcpy(to, from, stored);
    left -= stored;
  }
  static void store(std::atomic<uint64_t>& to, uint64_t value, std::memory_order order) noexcept {
    if (left == 0) return;
    to.store(value, order);
    --left;
  }
};

// All records that were ever appended, by what they hold: a length and a letter.
struct Model {
  struct Record {
    size_t bytes;
    char letter;
    ring::Stream stream;
  };
  std::vector<Record> records;

  void explain(const ring::Slab& slab, std::span<const ring::RecordInfo> infos, const std::byte* text, uint64_t& next) const {
    uint64_t missed_bytes = 0;
    require(slab.missed_records <= records.size() - next, "no more is missed than there was");
    for (uint64_t i = 0; i < slab.missed_records; ++i) missed_bytes += records[next++].bytes;
    require(missed_bytes == slab.missed_bytes, "the bytes of what was missed");
    require(slab.records <= records.size() - next, "no more is read than there was");
    size_t at = 0;
    for (uint64_t i = 0; i < slab.records; ++i, ++next) {
      const Record& record = records[next];
      require(infos[i].text_end - at == record.bytes && infos[i].stream == record.stream, "length and stream");
      const std::string expected(record.bytes, record.letter);
      require(std::memcmp(text + at, expected.data(), expected.size()) == 0, "the text");
      at = infos[i].text_end;
    }
    require(at == slab.bytes, "nothing but records");
  }
};

ring::Reader open_reader(int memory) {
  auto reader = ring::Reader::open(std::move(sys::duplicate_descriptor(memory)).value());
  require(reader.ok(), "a ring that can be opened");
  return std::move(reader).value();
}

// A reader from the start of the ring on; `next` is the record that it comes to.
struct Follower {
  ring::Reader reader;
  uint64_t next = 0;

  // Returns how many records came.
  uint64_t read(const Model& model, size_t capacity, size_t max_records) {
    // Exactly so much memory: one byte more is found by AddressSanitizer.
    std::unique_ptr<std::byte[]> buffer(new std::byte[capacity]);
    std::vector<ring::RecordInfo> infos(max_records);
    auto slab = reader.read({buffer.get(), capacity}, infos);
    require(slab.ok(), "an honest ring is read");
    model.explain(slab.value(), infos, buffer.get(), next);
    return slab.value().records;
  }
};

constexpr size_t kMostRecords = kDataBytes / 24 + 1;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  // One of four writers is killed some time.
  LimitedStores::left = input.number(1) % 4 == 0 ? input.number(3) : UINT64_MAX;
  auto created = ring::BasicWriter<LimitedStores>::create("fuzz", kDataBytes);
  require(created.ok(), "a ring");
  auto& writer = created.value();
  Model model;
  Follower all{open_reader(writer.memory())};
  Follower lazy{open_reader(writer.memory())};
  Follower late{open_reader(writer.memory())};
  std::string text;
  for (int operations = 0; operations < kMostOperations && !input.empty(); ++operations) {
    const uint64_t operation = input.number(1) % 8;
    if (operation == 0) {
      lazy.read(model, writer.max_payload() + input.number(1) * 16, 1 + input.number(1));
    } else if (operation <= 2) {
      // To the end, so that it is known how much has been published; then the same by one who looks back.
      while (all.read(model, kDataBytes, kMostRecords) > 0) {
      }
      const bool by_lines = operation == 2;
      require((by_lines ? late.reader.seek_tail(input.number(1)) : late.reader.seek_start()).ok(), "a place in an honest ring");
      std::vector<std::byte> buffer(kDataBytes);
      std::vector<ring::RecordInfo> infos(kMostRecords);
      auto slab = late.reader.read(buffer, infos);
      require(slab.ok() && slab.value().missed_records == 0 && slab.value().records <= all.next, "what there is");
      late.next = all.next - slab.value().records;
      model.explain(slab.value(), infos, buffer.data(), late.next);
    } else if (LimitedStores::left > 0) {
      // A dead writer does nothing more.
      if (operation == 3) {
        writer.publish();
        continue;
      }
      const size_t bytes = 1 + input.number(2) % writer.max_payload();
      const auto stream = static_cast<ring::Stream>(1 + input.number(1) % 3);
      const char letter = bytes % 3 == 0 ? '\n' : static_cast<char>('a' + model.records.size() % 26);
      model.records.push_back({bytes, letter, stream});
      text.assign(bytes, letter);
      writer.append(stream, model.records.size(), text);
    }
  }
  return 0;
}
