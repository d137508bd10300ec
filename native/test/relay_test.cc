// Relays between pairs of sockets, on the reactor's own thread: bytes and ends both ways, sides that do not take, failures.
#include "relay/relay.h"

#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <string>

#include "sys/descriptor_calls.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using namespace talos;
using namespace talos::test;
using relay::Relay;

class Told : public relay::Listener {
 public:
  void on_half_closed() noexcept override { tell(half_closed_); }
  void on_over() noexcept override { tell(over_); }
  void until_half_closed() { wait(half_closed_); }
  void until_over() { wait(over_); }
  int times_over() {
    std::lock_guard lock(mutex_);
    return over_;
  }

 private:
  void tell(int& what) {
    std::lock_guard lock(mutex_);
    what++;
    changed_.notify_all();
  }
  void wait(int& what) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&what] { return what > 0; });
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  int half_closed_ = 0;
  int over_ = 0;
};

// What the two sides have at their own ends.
struct Rig {
  UniqueFd one;
  UniqueFd other;
  std::shared_ptr<Told> told = std::make_shared<Told>();
  std::shared_ptr<Relay> relay;
};

Rig connected() {
  Rig rig;
  auto left = sys::create_stream_pair().value();
  auto right = sys::create_stream_pair().value();
  rig.one = std::move(left.first);
  rig.other = std::move(right.first);
  check(sys::set_nonblocking(left.second.get()).ok() && sys::set_nonblocking(right.second.get()).ok());
  auto started = Relay::start(std::move(left.second), std::move(right.second), rig.told);
  check(started.ok());
  rig.relay = std::move(started).value();
  return rig;
}

void write_all(int fd, std::string_view text) {
  FaultsPaused paused;
  while (!text.empty()) {
    ssize_t written = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

// As many bytes; fewer when it ends before.
std::string read_some(int fd, size_t count) {
  FaultsPaused paused;
  std::string text(count, '\0');
  size_t got = 0;
  while (got < count) {
    ssize_t now = ::read(fd, text.data() + got, count - got);
    if (now <= 0) break;
    got += static_cast<size_t>(now);
  }
  text.resize(got);
  return text;
}

void moves_bytes_and_ends_both_ways() {
  Rig rig = connected();
  write_all(rig.one.get(), "question");
  check_equal(read_some(rig.other.get(), 8), "question");
  ::shutdown(rig.one.get(), SHUT_WR);
  check_equal(read_some(rig.other.get(), 1), "", "its end came through");
  rig.told->until_half_closed();
  write_all(rig.other.get(), "answer");
  check_equal(read_some(rig.one.get(), 6), "answer", "the other way is still open");
  rig.other.reset();
  check_equal(read_some(rig.one.get(), 1), "");
  rig.told->until_over();
  check_equal(rig.relay->bytes(), 14u);
  check_equal(rig.told->times_over(), 1);
}

void holds_back_who_is_not_read() {
  Rig rig = connected();
  const std::string pattern = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::string sent;
  // Until everything on the way is full, and for a while more: what was read and not taken is held, and no more is read.
  for (int full = 0; full < 50;) {
    ssize_t written = ::send(rig.one.get(), pattern.data(), pattern.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written > 0)
      sent.append(pattern, 0, static_cast<size_t>(written));
    else
      ++full, ::usleep(1000);
  }
  ::shutdown(rig.one.get(), SHUT_WR);
  check(sent.size() < 8u << 20, "bounded");
  check(read_some(rig.other.get(), sent.size() + 1) == sent, "all of it, in order, and then the end");
  rig.other.reset();
  rig.told->until_over();
}

void delivers_in_pieces() {
  Rig rig = connected();
  fail_call("send", 1, EAGAIN);
  shorten_call("send", 2, 3);
  fail_call("send", 3, EINTR);
  fail_call("send", 5, ENOBUFS);
  write_all(rig.one.get(), "one piece at a time");
  check_equal(read_some(rig.other.get(), 19), "one piece at a time");
  write_all(rig.one.get(), "another");
  check_equal(read_some(rig.other.get(), 7), "another");
  rig.relay->abort();
  clear_faults();
}

void is_over_when_a_side_breaks() {
  for (const char* call : {"send", "read"}) {
    Rig rig = connected();
    fail_call(call, 1, ECONNRESET);
    write_all(rig.one.get(), "x");
    rig.told->until_over();
    check_equal(read_some(rig.one.get(), 1), "", call);
    check_equal(read_some(rig.other.get(), 1), "");
    check(clear_faults());
  }
}

void ends_at_once_when_told() {
  Rig rig = connected();
  write_all(rig.one.get(), "x");
  check_equal(read_some(rig.other.get(), 1), "x");
  rig.relay->abort();
  rig.relay->abort();
  check_equal(read_some(rig.one.get(), 1), "");
  check_equal(rig.told->times_over(), 0, "whoever ends it is not told");
}

void does_not_start_without_the_reactor() {
  auto left = sys::create_stream_pair().value();
  auto right = sys::create_stream_pair().value();
  fail_call("epoll_ctl", 2, ENOMEM);
  auto started = Relay::start(std::move(left.second), std::move(right.second), std::make_shared<Told>());
  check(!started && started.error().errno_value == ENOMEM);
  check_equal(read_some(left.first.get(), 1), "", "both are closed");
  check(clear_faults());
}

}  // namespace

int main() {
  moves_bytes_and_ends_both_ways();
  const size_t before = open_descriptors();
  holds_back_who_is_not_read();
  delivers_in_pieces();
  is_over_when_a_side_breaks();
  ends_at_once_when_told();
  does_not_start_without_the_reactor();
  check_equal(open_descriptors(), before);
  return finish();
}
