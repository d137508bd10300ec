// The ring against a model, across the wrap, with overruns; and a reader whose memory lies to it.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "ring/reader.h"
#include "ring/writer.h"
#include "sys/descriptor_calls.h"
#include "test/tap.h"

namespace {

using talos::UniqueFd;
using talos::ring::Header;
using talos::ring::Positions;
using talos::ring::Reader;
using talos::ring::record_bytes;
using talos::ring::RecordHeader;
using talos::ring::Slab;
using talos::ring::Stream;
using talos::ring::Writer;
using talos::test::check;
using talos::test::check_equal;

constexpr size_t kSmall = 4096;

Writer make_writer(size_t bytes = kSmall) { return std::move(Writer::create("test", bytes)).value(); }

Reader make_reader(const Writer& writer) {
  return std::move(Reader::open(std::move(talos::sys::duplicate_descriptor(writer.memory())).value())).value();
}

// What a reader must see: all the records there ever were.
struct Model {
  std::vector<std::string> records;

  // Checks a slab that follows record number `next`, and moves `next` on.
  bool explains(const Slab& slab, const std::byte* buffer, size_t& next) const {
    uint64_t missed_bytes = 0;
    for (uint64_t i = 0; i < slab.missed_records; ++i) {
      if (next >= records.size()) return false;
      missed_bytes += records[next++].size();
    }
    std::string expected;
    for (uint64_t i = 0; i < slab.records; ++i) {
      if (next >= records.size()) return false;
      expected += records[next++];
    }
    return missed_bytes == slab.missed_bytes && expected.size() == slab.bytes &&
           std::memcmp(expected.data(), buffer, slab.bytes) == 0;
  }
};

std::string random_text(std::mt19937& random, size_t max) {
  // Mostly short, sometimes as long as can be.
  size_t length = random() % 8 == 0 ? 1 + random() % max : 1 + random() % 120;
  std::string text(length, ' ');
  for (char& letter : text) letter = static_cast<char>('!' + random() % 90);
  if (random() % 4 != 0) text.back() = '\n';
  return text;
}

void follows_the_model() {
  bool good = true;
  uint64_t missed = 0;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    Writer writer = make_writer(seed % 2 == 0 ? kSmall : 4 * kSmall);
    Reader reader = make_reader(writer);
    Model model;
    std::vector<std::byte> buffer(writer.max_payload() * 3);
    size_t next = 0;
    for (int round = 0; round < 3000 && good; ++round) {
      for (size_t count = random() % (seed * 3); count > 0; --count) {
        model.records.push_back(random_text(random, writer.max_payload()));
        writer.append(Stream::kStdout, 1, model.records.back());
      }
      writer.publish();
      size_t room = writer.max_payload() + random() % (2 * writer.max_payload());
      auto slab = reader.read({buffer.data(), room});
      good = slab.ok() && model.explains(slab.value(), buffer.data(), next);
      if (good) missed += slab.value().missed_records;
    }
    for (bool more = good; more;) {
      auto slab = reader.read(buffer);
      good = slab.ok() && model.explains(slab.value(), buffer.data(), next);
      more = good && slab.value().bytes > 0;
    }
    good = good && next == model.records.size();
  }
  check(good, "every record is read or counted as missed, in order");
  check(missed > 1000, "there were overruns");
}

void seeks_by_lines() {
  std::mt19937 random(7);
  Writer writer = make_writer();
  Reader reader = make_reader(writer);
  std::vector<std::byte> buffer(kSmall);
  std::deque<std::string> lines;
  bool good = true;
  for (int round = 0; round < 2000 && good; ++round) {
    std::string line = random_text(random, 200);
    line.back() = '\n';
    writer.append_lines(Stream::kStdout, 1, line);
    writer.publish();
    lines.push_back(line);
    const size_t wanted = random() % 12;
    std::string expected;
    for (size_t i = lines.size() - std::min(wanted, lines.size()); i < lines.size(); ++i) expected += lines[i];
    good = reader.seek_tail(wanted).ok();
    auto slab = reader.read(buffer);
    std::string_view got(reinterpret_cast<const char*>(buffer.data()), slab.ok() ? slab.value().bytes : 0);
    good = good && slab.ok() && slab.value().missed_records == 0;
    // Fewer than wanted only if the ring holds fewer.
    good = good && (got == expected || (std::string_view(expected).ends_with(got) && got.size() > kSmall / 2));
    if (lines.size() > 30) lines.pop_front();
  }
  check(good, "the newest lines follow");
  check(reader.seek_tail(UINT64_MAX).ok() && reader.read(buffer).value().bytes > kSmall / 2, "all of them");
}

void splits_lines() {
  Writer writer = make_writer(1 << 17);
  const size_t max = writer.max_payload();
  Reader reader = make_reader(writer);
  std::string text = std::string(2 * max, 'a') + "\n" + std::string(max - 1, 'b') + "\n" + std::string(max, 'c') + "\n\nrest";
  std::string_view rest = writer.append_lines(Stream::kStdout, 1, text);
  check_equal(rest, "rest");
  check_equal(writer.positions().head_records, 3u + 1u + 2u + 1u);
  check_equal(writer.last_line(10), "", "an empty line is a line");
  writer.publish();
  std::vector<std::byte> buffer(1 << 17);
  auto slab = reader.read(buffer);
  check(slab.ok() && slab.value().bytes == text.size() - 4 && std::memcmp(buffer.data(), text.data(), text.size() - 4) == 0,
        "byte for byte");
  check(reader.seek_tail(3).ok() && reader.read(buffer).value().bytes == max + (max + 1) + 1, "whole lines, not records");
}

void knows_the_last_line() {
  Writer writer = make_writer();
  check_equal(writer.last_line(100), "");
  writer.append(Stream::kStdout, 1, "begun");
  check_equal(writer.last_line(100), "", "it has no end yet");
  writer.append(Stream::kStderr, 1, "problem\n");
  check_equal(writer.last_line(100), "problem");
  writer.append(Stream::kStdout, 1, " and ended\n");
  check_equal(writer.last_line(100), "begun and ended", "in pieces around the other stream's");
  check_equal(writer.last_line(8), "begun an");
  check_equal(writer.last_line(0), "");
}

// A ring whose memory this test can write to.
class Forgery {
 public:
  Forgery() : fd_(std::move(talos::sys::create_memory("forged", talos::sys::page_bytes() + kSmall)).value()) {
    base_ = static_cast<std::byte*>(
        ::mmap(nullptr, talos::sys::page_bytes() + kSmall, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0));
    ::fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
    header()->magic = talos::ring::kMagic;
    header()->version = talos::ring::kVersion;
    header()->header_bytes = static_cast<uint32_t>(talos::sys::page_bytes());
    header()->data_bytes = kSmall;
  }
  ~Forgery() { ::munmap(base_, talos::sys::page_bytes() + kSmall); }

  Header* header() { return reinterpret_cast<Header*>(base_); }
  std::byte* data() { return base_ + talos::sys::page_bytes(); }
  talos::Result<Reader> open() { return Reader::open(std::move(talos::sys::duplicate_descriptor(fd_.get())).value()); }

  void set(const Positions& positions) {
    auto& slot = header()->slots[header()->published.load() & 1];
    slot.tail = positions.tail;
    slot.tail_records = positions.tail_records;
    slot.tail_bytes = positions.tail_bytes;
    slot.head = positions.head;
    slot.head_records = positions.head_records;
    slot.head_bytes = positions.head_bytes;
    slot.last = positions.last;
  }
  void put(uint64_t position, uint16_t length, uint32_t previous) {
    RecordHeader record{length, 1, 0, previous, 0};
    for (size_t i = 0; i < sizeof record; ++i) {
      data()[(position + i) % kSmall] = reinterpret_cast<const std::byte*>(&record)[i];
    }
  }

 private:
  UniqueFd fd_;
  std::byte* base_;
};

bool is_refused(const talos::Result<Slab>& slab) { return !slab.ok() && slab.error().errno_value == EBADMSG; }

void refuses_what_is_no_ring() {
  auto unsealed = std::move(talos::sys::create_memory("unsealed", talos::sys::page_bytes() + kSmall)).value();
  auto opened = Reader::open(std::move(unsealed));
  check(!opened.ok() && opened.error().errno_value == EINVAL, "not sealed: it could shrink under us");
  auto file = Reader::open(std::move(talos::sys::open_path("/dev/null", "r")).value());
  check(!file.ok(), "no memory file");
  for (auto damage :
       std::vector<void (*)(Header*)>{[](Header* h) { h->magic ^= 1; }, [](Header* h) { h->version = 2; },
                                      [](Header* h) { h->header_bytes = 0; }, [](Header* h) { h->data_bytes = 1 << 30; }}) {
    Forgery forgery;
    damage(forgery.header());
    auto forged = forgery.open();
    check(!forged.ok() && forged.error().errno_value == EBADMSG);
  }
}

void survives_lies() {
  std::vector<std::byte> buffer(kSmall);
  Forgery forgery;
  Reader reader = std::move(forgery.open()).value();
  const Positions one{.tail = 0, .head = 24, .head_records = 1, .head_bytes = 8};

  forgery.set(one);
  forgery.put(0, 8, 0);
  check_equal(reader.read(buffer).value().bytes, 8u, "the truth, for a start");

  for (uint16_t length : {0, 9, 1009, 0xffff}) {
    forgery.put(0, length, 0);
    check(reader.seek_start().ok() && is_refused(reader.read(buffer)), "a length of " + std::to_string(length));
  }
  forgery.put(0, 8, 0);
  for (Positions lie : {Positions{.tail = 8, .head = 0}, Positions{.tail = 0, .head = kSmall + 8},
                        Positions{.tail = 4, .head = 28, .head_records = 1}, Positions{.tail = UINT64_MAX - 7, .head = 16},
                        Positions{.tail = 0, .tail_records = 5, .head = 24}}) {
    forgery.set(lie);
    check(is_refused(reader.read(buffer)) && !reader.seek_tail(1).ok() && !reader.seek_start().ok(), "positions");
  }
  forgery.set(one);
  check(reader.seek_start().ok() && reader.read(buffer).ok());
  forgery.set(Positions{.tail = 0, .head = 16, .head_records = 1});
  check(is_refused(reader.read(buffer)), "backwards");

  // Walking back: loops, steps out of the ring, steps that do not meet.
  forgery.set(Positions{.tail = 0, .head = 48, .head_records = 2, .head_bytes = 16, .last = 24});
  forgery.put(0, 8, 0);
  for (uint32_t previous : {0u, 8u, 16u, 32u, 0xffffffffu}) {
    forgery.put(24, 8, previous);
    check(!reader.seek_tail(5).ok(), "a step of " + std::to_string(previous));
  }
  forgery.put(24, 8, 24);
  check(reader.seek_tail(5).ok());
  for (uint64_t last : {uint64_t{48}, uint64_t{8}, uint64_t{25}, UINT64_MAX}) {
    forgery.set(Positions{.tail = 0, .head = 48, .head_records = 2, .head_bytes = 16, .last = last});
    check(!reader.seek_tail(5).ok(), "a last record at " + std::to_string(last));
  }
}

// Random bytes, changing all the time: nothing to check but that every call ends and stays within its bounds.
void survives_noise() {
  Forgery forgery;
  Reader reader = std::move(forgery.open()).value();
  std::atomic<bool> stop{false};
  std::thread noise([&] {
    std::mt19937_64 random(1);
    while (!stop.load()) {
      const uint64_t head = (random() % 64) * 8;
      forgery.set(Positions{.tail = random() % 4 == 0 ? random() : head & ~uint64_t{255},
                            .head = head + random() % 3 * kSmall / 2,
                            .head_records = random() % 100,
                            .head_bytes = random() % 1000,
                            .last = head - random() % 8 * 8});
      if (random() % 2 == 0) forgery.header()->published.fetch_add(1);
      for (int i = 0; i < 16; ++i) forgery.put(random() % 512 * 8, static_cast<uint16_t>(random() % 64), random() % 6 * 8);
    }
  });
  std::mt19937 random(2);
  auto buffer = std::make_unique<std::byte[]>(1024);
  bool within = true;
  for (int round = 0; round < 200'000; ++round) {
    auto slab = reader.read({buffer.get(), 1024});
    if (slab.ok() && slab.value().bytes > 1024) within = false;
    if (round % 3 == 0) (void)reader.seek_tail(random() % 100);
    if (round % 7 == 0) (void)reader.seek_start();
  }
  stop.store(true);
  noise.join();
  check(within, "200,000 calls on memory that changes under them");
}

// The writer laps the reader again and again while it copies.
void holds_against_a_racing_writer() {
  Writer writer = make_writer();
  Reader reader = make_reader(writer);
  constexpr uint64_t kLines = 300'000;
  std::thread producer([&] {
    for (uint64_t number = 0; number < kLines; ++number) {
      std::string line = std::to_string(number) + "\n";
      writer.append(Stream::kStdout, 1, line);
      if (number % 7 == 0) writer.publish();
    }
    writer.publish();
  });
  std::vector<std::byte> buffer(kSmall);
  uint64_t next = 0;
  uint64_t missed = 0;
  bool good = true;
  while (good && next < kLines) {
    auto slab = reader.read(buffer);
    good = slab.ok();
    if (!good) break;
    next += slab.value().missed_records;
    missed += slab.value().missed_records;
    const char* text = reinterpret_cast<const char*>(buffer.data());
    const char* end = text + slab.value().bytes;
    while (good && text < end) {
      char* after = nullptr;
      good = std::strtoull(text, &after, 10) == next && *after == '\n';
      text = after + 1;
      ++next;
    }
  }
  producer.join();
  check(good && next == kLines, "every number is there, or counted as missed");
  std::printf("# missed %llu of %llu\n", static_cast<unsigned long long>(missed), static_cast<unsigned long long>(kLines));
}

void is_sealed() {
  Writer writer = make_writer();
  const int fd = writer.memory();
  check(::write(fd, "x", 1) == -1 && errno == EBADF, "opened for reading");
  check(::ftruncate(fd, 0) == -1);
  check(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
  std::string path = "/proc/self/fd/" + std::to_string(fd);
  UniqueFd writable(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  check(writable.is_open(), "root may open it for writing");
  check(::write(writable.get(), "x", 1) == -1 && errno == EPERM, "and still not write");
  check(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, writable.get(), 0) == MAP_FAILED && errno == EPERM);
  check(::ftruncate(writable.get(), 0) == -1 && errno == EPERM);
  check(::fcntl(writable.get(), F_ADD_SEALS, F_SEAL_WRITE) == -1 && errno == EPERM);
}

void refuses_sizes() {
  for (size_t bytes : {size_t{0}, size_t{2048}, size_t{4097}, size_t{12288}, size_t{1} << 31}) {
    auto writer = Writer::create("size", bytes);
    check(!writer.ok() && writer.error().errno_value == EINVAL, std::to_string(bytes));
  }
}

}  // namespace

int main() {
  follows_the_model();
  seeks_by_lines();
  splits_lines();
  knows_the_last_line();
  is_sealed();
  refuses_sizes();
  refuses_what_is_no_ring();
  survives_lies();
  survives_noise();
  holds_against_a_racing_writer();
  return talos::test::finish();
}
