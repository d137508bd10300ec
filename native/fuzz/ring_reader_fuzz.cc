// The reader of a log ring on memory that says anything: it stays within the mapping (AddressSanitizer does not know mappings,
// the kernel does), comes to an end, and gives out only text that lies in the memory. Bytes change between two calls as well.
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <vector>

#include "fuzz/input.h"
#include "ring/reader.h"

namespace {

using namespace talos;
using fuzz::require;

constexpr size_t kDataBytes = 8192;
// The front of an input says what is done, the rest is what the ring holds.
constexpr size_t kOperationBytes = 64;

// The memory of one ring, used again for every input: making one costs ten times the rest.
class Memory {
 public:
  Memory() : bytes_(sys::page_bytes() + kDataBytes) {
    auto created = sys::create_memory("fuzz", bytes_);
    require(created.ok(), "memory");
    fd_ = std::move(created).value();
    base_ = static_cast<uint8_t*>(::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0));
    require(base_ != MAP_FAILED && sys::seal_memory(fd_.get()).ok(), "mapping");
  }
  [[nodiscard]] uint8_t* base() const { return base_; }
  [[nodiscard]] size_t bytes() const { return bytes_; }
  [[nodiscard]] UniqueFd descriptor() const { return UniqueFd(::dup(fd_.get())); }

 private:
  size_t bytes_;
  UniqueFd fd_;
  uint8_t* base_;
};

// Puts bytes of the input anywhere into the memory.
void scribble(fuzz::Input& input, const Memory& memory) {
  size_t offset = input.number(2) % memory.bytes();
  auto bytes = input.take(input.number(1));
  std::memcpy(memory.base() + offset, bytes.data(), std::min(bytes.size(), memory.bytes() - offset));
}

// A ring that is well formed as far as the header goes, so that not every input ends there.
void write_header(fuzz::Input& input, const Memory& memory) {
  std::memset(memory.base(), 0, memory.bytes());
  auto* header = reinterpret_cast<ring::Header*>(memory.base());
  header->magic = ring::kMagic;
  header->version = ring::kVersion;
  header->header_bytes = static_cast<uint32_t>(sys::page_bytes());
  header->data_bytes = kDataBytes;
  auto& slot = header->slots[0];
  slot.tail = input.number(2) & ~7ull;
  slot.head = slot.tail + (input.number(2) & ~7ull);
  slot.head_records = input.number(2);
  slot.head_bytes = input.number(2);
  slot.last = slot.tail + input.number(2);
}

// With or without what the records say of themselves, by the lowest bit.
void read(ring::Reader& reader, std::span<std::byte> buffer, uint64_t choice) {
  std::vector<ring::RecordInfo> infos(choice / 2);
  auto slab = choice % 2 == 0 ? reader.read(buffer) : reader.read(buffer, infos);
  if (!slab) {
    require(slab.error().errno_value == EBADMSG && !slab.error().detail.empty(), "an error that says what is wrong");
    return;
  }
  require(slab.value().bytes <= buffer.size(), "a slab fits its buffer");
  require(slab.value().records <= slab.value().bytes, "no record is empty");
  if (choice % 2 == 0) return;
  require(slab.value().records <= infos.size(), "no more records than there is room for");
  size_t before = 0;
  for (size_t record = 0; record < slab.value().records; record++) {
    const ring::RecordInfo& info = infos[record];
    require(info.text_end > before && info.text_end <= slab.value().bytes, "texts lie one behind the other");
    require(info.stream >= ring::Stream::kStdout && info.stream <= ring::Stream::kSystem, "a stream that there is");
    before = info.text_end;
  }
  require(before == slab.value().bytes, "and fill the slab");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Memory& memory = *new Memory;
  fuzz::Input all(data, size);
  auto front = all.take(kOperationBytes);
  fuzz::Input input(front.data(), front.size());
  write_header(input, memory);
  auto records = all.take(kDataBytes);
  if (!records.empty()) std::memcpy(memory.base() + sys::page_bytes(), records.data(), records.size());
  auto opened = ring::Reader::open(memory.descriptor());
  if (!opened) return 0;
  ring::Reader& reader = opened.value();
  size_t capacity = 1 + input.number(2);
  std::unique_ptr<std::byte[]> buffer(new std::byte[capacity]);
  for (int step = 0; step < 8; step++) {
    switch (input.number(1) % 4) {
      case 0:
        (void)reader.seek_tail(input.number(2)).ok();
        break;
      case 1:
        (void)reader.seek_start().ok();
        break;
      case 2:
        scribble(input, memory);
        break;
      default:
        break;
    }
    read(reader, {buffer.get(), capacity}, input.number(1));
  }
  return 0;
}
