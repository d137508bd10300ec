// A reader whose memory lies to it: it stays within its bounds, it comes to an end, and it says what is wrong and where.
#include <atomic>
#include <thread>

#include "test/ring_fixture.h"
#include "test/tap.h"

namespace {

using talos::ring::Header;
using talos::ring::Positions;
using talos::ring::Reader;
using talos::ring::RecordHeader;
using talos::ring::Slab;
using talos::test::check;
using talos::test::check_equal;
using talos::test::ForgedRing;
using talos::test::kSmallRing;

bool is_refused(const talos::Result<Slab>& slab) { return !slab.ok() && slab.error().errno_value == EBADMSG; }

void refuses_what_is_no_ring() {
  auto unsealed = std::move(talos::sys::create_memory("unsealed", talos::sys::page_bytes() + kSmallRing)).value();
  auto opened = Reader::open(std::move(unsealed));
  check(!opened.ok() && opened.error().errno_value == EINVAL, "not sealed: it could shrink under us");
  auto file = Reader::open(std::move(talos::sys::open_path("/dev/null", "r")).value());
  check(!file.ok(), "no memory file");
  for (auto damage :
       std::vector<void (*)(Header*)>{[](Header* h) { h->magic ^= 1; }, [](Header* h) { h->version += 1; },
                                      [](Header* h) { h->header_bytes = 0; }, [](Header* h) { h->data_bytes = 1 << 30; }}) {
    ForgedRing forgery;
    damage(forgery.header());
    auto forged = forgery.open();
    check(!forged.ok() && forged.error().errno_value == EBADMSG);
  }
}

void survives_lies() {
  std::vector<std::byte> buffer(kSmallRing);
  ForgedRing forgery;
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
  for (Positions lie : {Positions{.tail = 8, .head = 0}, Positions{.tail = 0, .head = kSmallRing + 8},
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
  ForgedRing forgery;
  Reader reader = std::move(forgery.open()).value();
  std::atomic<bool> stop{false};
  std::thread noise([&] {
    std::mt19937_64 random(1);
    while (!stop.load()) {
      const uint64_t head = (random() % 64) * 8;
      forgery.set(Positions{.tail = random() % 4 == 0 ? random() : head & ~uint64_t{255},
                            .head = head + random() % 3 * kSmallRing / 2,
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

// Whatever a record's header holds: each of its bits, and each of the positions'.
void survives_flipped_bits() {
  std::vector<std::byte> buffer(kSmallRing);
  ForgedRing forgery;
  const Positions honest{.tail = 4096 - 48,
                         .tail_records = 7,
                         .tail_bytes = 70,
                         .head = 4096 + 24,
                         .head_records = 10,
                         .head_bytes = 94,
                         .last = 4096};
  const RecordHeader header{8, 1, 0, 24, 5};
  bool bounded = true;
  auto look = [&] {
    auto reader = forgery.open();
    if (!reader) return;
    for (int call = 0; call < 4; ++call) {
      auto slab = reader.value().read(buffer);
      bounded = bounded && (!slab || slab.value().bytes <= buffer.size());
    }
    (void)reader.value().seek_tail(2);
    (void)reader.value().read(std::span(buffer).first(100));
  };
  for (uint64_t at : {honest.tail, honest.tail + 24, honest.head - 24}) {
    for (unsigned bit = 0; bit < 8 * sizeof header; ++bit) {
      forgery.set(honest);
      for (uint64_t position = honest.tail; position < honest.head; position += 24) forgery.put(position, header);
      RecordHeader damaged = header;
      reinterpret_cast<unsigned char*>(&damaged)[bit / 8] ^= static_cast<unsigned char>(1u << (bit % 8));
      forgery.put(at, damaged);
      look();
    }
  }
  for (unsigned bit = 0; bit < 8 * sizeof honest; ++bit) {
    Positions damaged = honest;
    reinterpret_cast<unsigned char*>(&damaged)[bit / 8] ^= static_cast<unsigned char>(1u << (bit % 8));
    forgery.set(damaged);
    look();
  }
  check(bounded, "any single bit may be wrong");
}

void says_where() {
  std::vector<std::byte> buffer(kSmallRing);
  ForgedRing forgery;
  Reader reader = std::move(forgery.open()).value();
  forgery.set({.tail = 0, .head = 48, .head_records = 2, .head_bytes = 16, .last = 24});
  forgery.put(0, 8, 0);
  forgery.put(24, 0, 24);
  check_equal(reader.read(buffer).error().detail,
              "a record makes no sense, at offset " + std::to_string(talos::sys::page_bytes() + 24));
  forgery.put(24, {8, 4, 0, 24, 0});
  check(is_refused(reader.read(buffer)), "no such stream");
  forgery.set({.tail = 8});
  check_equal(reader.read(buffer).error().detail, "the positions make no sense, at offset 128");
  forgery.header()->version = 9;
  check_equal(forgery.open().error().detail, "the version of the ring is unknown, at offset 8");
}

}  // namespace

int main() {
  refuses_what_is_no_ring();
  survives_lies();
  says_where();
  survives_flipped_bits();
  survives_noise();
  return talos::test::finish();
}
