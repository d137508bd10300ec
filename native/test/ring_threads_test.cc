// Writers, readers and those who come and go, all at once: under ThreadSanitizer as well as without.
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <thread>

#include "ring/log.h"
#include "sys/doorbell_calls.h"
#include "test/ring_fixture.h"
#include "test/tap.h"

namespace {

using talos::ring::Log;
using talos::ring::Reader;
using talos::ring::Stream;
using talos::test::check;
using talos::test::check_equal;
using talos::test::make_reader;
using talos::test::make_writer;

// Lines of nothing but a number. False when one is not the next one, or missing without being counted.
bool read_numbers(Reader& reader, std::span<std::byte> buffer, uint64_t& next, uint64_t& missed) {
  auto slab = reader.read(buffer);
  if (!slab) return false;
  next += slab.value().missed_records;
  missed += slab.value().missed_records;
  const char* text = reinterpret_cast<const char*>(buffer.data());
  const char* end = text + slab.value().bytes;
  while (text < end) {
    uint64_t number = 0;
    auto [after, error] = std::from_chars(text, end, number);
    if (error != std::errc{} || number != next || after == end || *after != '\n') return false;
    text = after + 1;
    ++next;
  }
  return true;
}

// The writer laps its readers again and again while they copy; one of them also looks back.
void holds_against_a_racing_writer(size_t ring_bytes, uint64_t lines) {
  constexpr int kReaders = 3;
  auto writer = make_writer(ring_bytes);
  std::atomic<int> bad{0};
  std::atomic<uint64_t> missed{0};
  std::vector<std::thread> readers;
  for (int number = 0; number < kReaders; ++number) {
    readers.emplace_back([&, number, reader = make_reader(writer)]() mutable {
      Reader looks_back = make_reader(writer);
      std::vector<std::byte> buffer(ring_bytes);
      uint64_t next = 0;
      uint64_t own_missed = 0;
      while (next < lines) {
        if (!read_numbers(reader, buffer, next, own_missed)) {
          ++bad;
          return;
        }
        if (number == 0 && (!looks_back.seek_tail(next % 20) || !looks_back.read(buffer))) ++bad;
      }
      missed += own_missed;
    });
  }
  for (uint64_t number = 0; number < lines; ++number) {
    writer.append(Stream::kStdout, 1, std::to_string(number) + "\n");
    if (number % 7 == 0) writer.publish();
  }
  writer.publish();
  for (std::thread& reader : readers) reader.join();
  check_equal(bad.load(), 0, "every number is there, or counted as missed");
  std::printf("# missed %llu of %llu\n", static_cast<unsigned long long>(missed.load()),
              static_cast<unsigned long long>(kReaders * lines));
}

bool is_rung(int listener) {
  char ring;
  return ::recv(listener, &ring, 1, MSG_DONTWAIT | MSG_PEEK) == 1;
}

// A reader does to its bell what it can; the writer must not even notice. SIGALRM ends a test that hangs.
void nobody_holds_the_writer_up() {
  auto log = std::move(Log::create("bell", talos::test::kSmallRing)).value();
  auto hostile = std::move(log->subscribe()).value();
  auto honest = std::move(log->subscribe()).value();
  const int bell = hostile.doorbell.get();
  check(::fcntl(bell, F_SETFL, 0) == 0, "blocking, on the reader's side");
  int bytes = 1;
  ::setsockopt(bell, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  ::alarm(20);
  for (int i = 0; i < 1000; ++i) log->write("line");
  check(is_rung(bell) && is_rung(honest.doorbell.get()), "rung, and the queue is full");
  // Its own sends go to the writer's end, where nobody reads: they fill up and stay there.
  for (int i = 0; i < 1000; ++i) ::send(bell, "x", 1, MSG_DONTWAIT);
  ::shutdown(bell, SHUT_RDWR);
  log->write("after it was shut down");
  hostile.doorbell.reset();
  log->write("after it was closed");
  talos::sys::drain_doorbell(honest.doorbell.get());
  check(!is_rung(honest.doorbell.get()), "drained");
  log->write("again");
  check(is_rung(honest.doorbell.get()), "and rung again");
  log->unsubscribe(honest.id);
  log->close();
  check(is_rung(honest.doorbell.get()), "what was rung outlives the subscription");
  ::alarm(0);
  check(!talos::sys::require_listener(honest.memory.get()), "a memory file is no doorbell");
}

void takes_from_pipes_and_threads_at_once() {
  constexpr int kLines = 3000;
  constexpr int kThreads = 3;
  auto log = std::move(Log::create("threads", 1 << 20)).value();
  auto [reading, writing] = std::move(talos::sys::create_pipe()).value();
  std::atomic<bool> drained{false};
  log->set_drain_listener([&] {
    drained = true;
    drained.notify_all();
  });
  check(log->attach(std::move(reading), Stream::kStdout).ok());
  std::vector<std::thread> threads;
  for (int number = 0; number < kThreads; ++number) {
    threads.emplace_back([&log, number] {
      for (int line = 0; line < kLines; ++line) {
        log->write(std::to_string(number) + " says " + std::to_string(line));
        if (line % 100 == 0) {
          auto subscription = log->subscribe();
          (void)log->last_line(100);
          (void)log->stats();
          if (subscription) log->unsubscribe(subscription.value().id);
        }
      }
    });
  }
  threads.emplace_back([pipe = std::move(writing)] {
    for (int line = 0; line < kLines; ++line) {
      std::string text = "pipe says " + std::to_string(line) + "\n";
      for (size_t done = 0; done < text.size();) {
        ssize_t wrote = ::write(pipe.get(), text.data() + done, text.size() - done);
        if (wrote > 0) done += static_cast<size_t>(wrote);
      }
    }
  });
  for (std::thread& thread : threads) thread.join();
  threads.clear();
  drained.wait(false);
  check_equal(log->stats().records, static_cast<uint64_t>((kThreads + 1) * kLines));
  check_equal(log->open_pipes(), 0u);
  log->close();
}

}  // namespace

int main() {
  holds_against_a_racing_writer(talos::test::kSmallRing, 200'000);
  holds_against_a_racing_writer(1 << 18, 200'000);
  nobody_holds_the_writer_up();
  takes_from_pipes_and_threads_at_once();
  return talos::test::finish();
}
