// The ring against a model, across the wrap, with overruns.
#include <unistd.h>

#include <deque>

#include "test/ring_fixture.h"
#include "test/tap.h"

namespace {

using talos::UniqueFd;
using talos::ring::Reader;
using talos::ring::RecordInfo;
using talos::ring::Stream;
using talos::ring::Writer;
using talos::test::check;
using talos::test::check_equal;
using talos::test::kSlowness;
using talos::test::kSmallRing;
using talos::test::make_reader;
using talos::test::make_writer;
using talos::test::random_record;
using talos::test::RingModel;

void follows_the_model() {
  bool good = true;
  uint64_t missed = 0;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    Writer writer = make_writer(seed % 2 == 0 ? kSmallRing : 4 * kSmallRing);
    Reader reader = make_reader(writer);
    RingModel model;
    std::vector<std::byte> buffer(writer.max_payload() * 3);
    size_t next = 0;
    for (int round = 0; round < static_cast<int>(3000 / kSlowness) && good; ++round) {
      for (size_t count = random() % (seed * 3); count > 0; --count) {
        model.records.push_back(random_record(random, writer.max_payload()));
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
  check(missed > 1000 / kSlowness, "there were overruns");
}

void seeks_by_lines() {
  std::mt19937 random(7);
  Writer writer = make_writer();
  Reader reader = make_reader(writer);
  std::vector<std::byte> buffer(kSmallRing);
  std::deque<std::string> lines;
  bool good = true;
  for (int round = 0; round < 2000 && good; ++round) {
    std::string line = random_record(random, 200);
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
    good = good && (got == expected || (std::string_view(expected).ends_with(got) && got.size() > kSmallRing / 2));
    if (lines.size() > 30) lines.pop_front();
  }
  check(good, "the newest lines follow");
  check(reader.seek_tail(UINT64_MAX).ok() && reader.read(buffer).value().bytes > kSmallRing / 2, "all of them");
}

void stops_at_the_head_of_a_moment() {
  Writer writer = make_writer();
  auto write = [&](std::string_view line) {
    writer.append_lines(Stream::kStdout, 1, line);
    writer.publish();
  };
  std::vector<std::byte> buffer(kSmallRing);
  auto text = [&](Reader& reader) {
    auto slab = reader.read(buffer);
    return std::string(reinterpret_cast<const char*>(buffer.data()), slab.ok() ? slab.value().bytes : 0);
  };
  Reader empty = make_reader(writer);
  check(empty.stop_at_head().ok());
  write("one\n");
  write("two\n");
  check_equal(text(empty), "", "what came after the moment");
  Reader reader = make_reader(writer);
  check(reader.seek_tail(1).ok() && reader.stop_at_head().ok());
  write("three\n");
  check_equal(text(reader), "two\n", "up to the moment");
  check_equal(text(reader), "", "and no further");

  // Everything up to the moment and more is overwritten: what is missed ends there.
  Reader late = make_reader(writer);
  check(late.stop_at_head().ok());
  for (int i = 0; i < 1000; ++i) write(std::string(50, 'x') + "\n");
  auto slab = late.read(buffer);
  check(slab.ok() && slab.value().bytes == 0);
  check_equal(slab.value().missed_records, 3u);
  check_equal(slab.value().missed_bytes, 14u);
  slab = late.read(buffer);
  check(slab.ok() && slab.value().bytes == 0 && slab.value().missed_records == 0, "told once");
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

void tells_time_and_stream() {
  Writer writer = make_writer();
  Reader reader = make_reader(writer);
  writer.append(Stream::kStdout, 1000, "out\n");
  writer.append(Stream::kStderr, 2000, "error\n");
  writer.append(Stream::kSystem, UINT64_MAX, "x\n");
  writer.publish();
  std::vector<std::byte> buffer(kSmallRing);
  std::vector<RecordInfo> infos(2);
  auto slab = reader.read(buffer, infos);
  check(slab.ok() && slab.value().records == 2 && slab.value().bytes == 10, "as many as there is room for");
  check(infos[0].time_ns == 1000 && infos[0].stream == Stream::kStdout && infos[0].text_end == 4);
  check(infos[1].time_ns == 2000 && infos[1].stream == Stream::kStderr && infos[1].text_end == 10);
  slab = reader.read(buffer, infos);
  check(slab.ok() && slab.value().records == 1 && infos[0].time_ns == UINT64_MAX && infos[0].text_end == 2, "the rest");
  check(infos[0].stream == Stream::kSystem);
  check(reader.read(buffer, infos).value().records == 0);
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
  check(::fallocate(writable.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == -1 && errno == EPERM, "no holes");
  void* mapped = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, writable.get(), 0);
  check(mapped != MAP_FAILED && ::mprotect(mapped, 4096, PROT_READ | PROT_WRITE) == -1 && errno == EACCES);
  check(::madvise(mapped, 4096, MADV_REMOVE) == -1, "nor by way of a mapping");
  ::munmap(mapped, 4096);
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
  stops_at_the_head_of_a_moment();
  splits_lines();
  knows_the_last_line();
  tells_time_and_stream();
  is_sealed();
  refuses_sizes();
  return talos::test::finish();
}
