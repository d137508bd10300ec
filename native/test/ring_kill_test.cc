// A writer that is killed at any point: what it leaves behind must be a whole ring.
//
// In the first test the writer is stopped after every single store that it makes (copies are taken apart into pieces of at most
// eight bytes), and readers look at the memory as they would if it never went on. In the second it is a process of its own that
// gets SIGKILL.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "ring/writer_impl.h"
#include "test/fault.h"
#include "test/ring_fixture.h"
#include "test/tap.h"

namespace {

using talos::ring::BasicWriter;
using talos::ring::Reader;
using talos::ring::Slab;
using talos::ring::Stream;
using talos::test::check;
using talos::test::check_equal;
using talos::test::kSlowness;
using talos::test::kSmallRing;
using talos::test::make_reader;
using talos::test::random_record;
using talos::test::RingModel;

struct StoppingStores {
  static inline std::function<void()> after_store;

  static void copy(std::byte* to, const void* from, size_t bytes) noexcept {
    constexpr size_t kPiece = 8;
    for (size_t done = 0; done < bytes; done += kPiece) {
      std::memcpy(to + done, static_cast<const std::byte*>(from) + done, std::min(kPiece, bytes - done));
      after_store();
    }
  }
  static void store(std::atomic<uint64_t>& to, uint64_t value, std::memory_order order) noexcept {
    to.store(value, order);
    after_store();
  }
};

// A reader that has come to record number `next` of the model.
struct Follower {
  Reader reader;
  size_t next = 0;
  uint64_t missed = 0;
};

// Reads on to the end of what was published; false when it is not what the model says.
bool read_on(Follower& follower, const RingModel& model, std::span<std::byte> buffer) {
  for (;;) {
    auto slab = follower.reader.read(buffer);
    if (!slab || !model.explains(slab.value(), buffer.data(), follower.next)) return false;
    follower.missed += slab.value().missed_records;
    if (slab.value().records == 0) return true;
  }
}

void is_whole_after_every_store() {
  auto writer = std::move(BasicWriter<StoppingStores>::create("killed", kSmallRing)).value();
  RingModel model;
  std::vector<std::byte> buffer(2 * kSmallRing);
  std::mt19937 random(3);
  // One that looks at every moment, and some that look now and then.
  std::vector<Follower> followers;
  for (int i = 0; i < 5; ++i) followers.push_back({make_reader(writer)});

  uint64_t stops = 0;
  uint64_t published = 0;  // records, by the last publish() that has returned
  bool good = true;
  StoppingStores::after_store = [&] {
    ++stops;
    if (!good) return;
    Follower& constant = followers[0];
    const size_t before = constant.next;
    // Nothing that was published is lost, nothing is taken back, nothing is torn.
    good = read_on(constant, model, buffer) && constant.next >= published && constant.next >= before;
    // A reader that only comes now has all that the ring holds, by its start as well as by lines.
    Reader late = make_reader(writer);
    auto slab = late.read(buffer);
    size_t first = slab.ok() && slab.value().records <= constant.next ? constant.next - slab.value().records : SIZE_MAX;
    good = good && slab.ok() && slab.value().missed_records == 0 && first <= constant.next;
    good = good && model.explains(slab.value(), buffer.data(), first) && first == constant.next;
    good = good && (late.seek_tail(UINT64_MAX).ok() && late.read(buffer).value().bytes == slab.value().bytes);
    good = good && late.seek_tail(random() % 10).ok() && late.read(buffer).ok();
    for (size_t i = 1; i < followers.size() && good; ++i) {
      if (random() % (i * 400) == 0) good = read_on(followers[i], model, buffer) && followers[i].next == constant.next;
    }
  };
  for (int round = 0; round < static_cast<int>(1500 / kSlowness) && good; ++round) {
    for (size_t count = random() % 6; count > 0; --count) {
      model.records.push_back(random_record(random, writer.max_payload()));
      writer.append(Stream::kStdout, 1, model.records.back());
    }
    writer.publish();
    published = model.records.size();
    good = good && read_on(followers[0], model, buffer) && followers[0].next == published;
  }
  StoppingStores::after_store = [] {};
  check(good, "a whole ring after every store");
  check(stops > 20'000 / kSlowness, "there were many stops");
  check(followers.back().missed > 100 / kSlowness, "some readers were overrun");
  check_equal(followers[0].missed, 0u, "one never was");
  std::printf("# %llu stops, %zu records\n", static_cast<unsigned long long>(stops), model.records.size());
}

// Writes numbered lines until it is killed.
[[noreturn]] void write_for_ever(talos::ring::Writer& writer) {
  for (uint64_t number = 0;; ++number) {
    std::string line = std::to_string(number) + std::string(number % 150, '.') + '\n';
    writer.append(Stream::kStdout, number, line);
    if (number % 13 == 0) writer.publish();
  }
}

// Reads what there is; false when a line is not the one that follows. `next` is the number to come.
bool reads_numbers(Reader& reader, uint64_t& next, std::span<std::byte> buffer) {
  for (;;) {
    auto slab = reader.read(buffer);
    if (!slab) return false;
    next += slab.value().missed_records;
    const char* text = reinterpret_cast<const char*>(buffer.data());
    for (uint64_t record = 0; record < slab.value().records; ++record, ++next) {
      char* after = nullptr;
      if (std::strtoull(text, &after, 10) != next) return false;
      const char* newline = after + next % 150;
      if (*newline != '\n' || std::any_of(static_cast<const char*>(after), newline, [](char c) { return c != '.'; }))
        return false;
      text = newline + 1;
    }
    if (slab.value().records == 0) return true;
  }
}

void is_whole_after_sigkill() {
  constexpr int kKills = 60;
  std::vector<std::byte> buffer(kSmallRing);
  std::mt19937 random(4);
  bool good = true;
  uint64_t lines = 0;
  for (int kill_number = 0; kill_number < kKills && good; ++kill_number) {
    auto writer = talos::test::make_writer();
    Reader reader = make_reader(writer);
    const pid_t child = ::fork();
    if (child == 0) write_for_ever(writer);
    // Let it lap the ring some times, reading along, then end it wherever it is.
    uint64_t next = 0;
    const uint64_t enough = 200 + random() % 2000;
    while (good && next < enough) good = reads_numbers(reader, next, buffer);
    talos::test::answer_call("kill", 1, [](talos::test::Call& call) { return call.pass(); });
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    good = good && WIFSIGNALED(status) && reads_numbers(reader, next, buffer);
    // And once more from the start: as many as were counted, the last of them whole.
    Reader late = make_reader(writer);
    auto slab = late.read(buffer);
    good = good && slab.ok() && slab.value().records > 0 && buffer[slab.value().bytes - 1] == std::byte{'\n'};
    // Nobody can go on where it stopped: the ring dies with its writer, and a new one starts with a ring of its own.
    std::string path = "/proc/self/fd/" + std::to_string(writer.memory());
    talos::UniqueFd again(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    good =
        good && ::mmap(nullptr, kSmallRing, PROT_READ | PROT_WRITE, MAP_SHARED, again.get(), 0) == MAP_FAILED && errno == EPERM;
    lines += next;
  }
  check(good, "a whole ring after every kill");
  std::printf("# %d kills, %llu lines\n", kKills, static_cast<unsigned long long>(lines));
}

}  // namespace

int main() {
  is_whole_after_every_store();
  is_whole_after_sigkill();
  return talos::test::finish();
}
