// Channels when system calls fail: full sockets, peers that are gone, descriptors that there is no room for.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "channel/connection.h"
#include "channel/listener.h"
#include "sys/descriptor_calls.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using namespace talos;
using namespace talos::test;
using channel::Connection;

constexpr size_t kMaxBytes = 64;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

struct Pair {
  Connection one;
  Connection two;
};

Result<Pair> connect() {
  auto ends = sys::create_seqpacket_pair();
  if (!ends) return ends.error();
  auto one = Connection::open(std::move(ends.value().first), kMaxBytes);
  if (!one) return one.error();
  auto two = Connection::open(std::move(ends.value().second), kMaxBytes);
  if (!two) return two.error();
  return Pair{std::move(one).value(), std::move(two).value()};
}

// A descriptor there and back.
Result<void> send_a_pipe() {
  auto pair = connect();
  if (!pair) return pair.error();
  auto pipe = sys::create_pipe();
  if (!pipe) return pipe.error();
  const int fd = pipe.value().first.get();
  auto sent = pair.value().one.send(bytes_of("take"), {&fd, 1});
  if (!sent) return sent.error();
  if (auto flushed = pair.value().one.flush(); !flushed) return flushed;
  auto got = pair.value().two.receive();
  if (!got) return got.error();
  return {};
}

void ends_well_whatever_fails() {
  fail_each(send_a_pipe, {EINTR, ENOMEM, EMFILE, ENOBUFS});
  // Full and empty are values.
  fail_each(send_a_pipe, {EAGAIN}, {{"sendmsg"}, {"recvmsg"}});
  fail_each(send_a_pipe, {EPIPE, ECONNRESET}, {{"sendmsg"}});
}

void queues_what_a_full_socket_does_not_take() {
  auto pair = connect();
  check(pair.ok());
  auto& [one, two] = pair.value();
  size_t before = open_descriptors();
  auto pipe = sys::create_pipe();
  const int fd = pipe.value().first.get();

  fail_call("sendmsg", 1, EAGAIN);
  fail_call("fcntl", 1, EMFILE);
  auto refused = one.send(bytes_of("a"), {&fd, 1});
  check(!refused && refused.error().errno_value == EMFILE && !one.has_queued(), "no room for the queue's own copy");
  fail_call("sendmsg", 1, EAGAIN);
  check(one.send(bytes_of("a"), {&fd, 1}).value() == Connection::Sent::kTaken && one.has_queued());
  fail_call("sendmsg", 1, ENOMEM);
  check(!one.flush().ok() && one.has_queued(), "a failed flush loses nothing");
  check(one.flush().ok() && !one.has_queued());
  check_equal(two.receive().value().descriptors.size(), 1u);
  pipe.value() = {};
  check_equal(open_descriptors(), before);
  check(clear_faults());
}

// Listening, connecting and accepting, in a folder that goes away again.
Result<void> meet() {
  char folder[] = "/tmp/talos-channel-XXXXXX";
  std::string path;
  {
    const FaultsPaused paused;
    if (::mkdtemp(folder) == nullptr) return last_error("mkdtemp");
    path = std::string(folder) + "/socket";
  }
  const auto met = [&]() -> Result<void> {
    auto listener = channel::Listener::open(path);
    if (!listener) return listener.error();
    auto one = channel::connect(path);
    if (!one) return one.error();
    auto other = listener.value().accept();
    if (!other) return other.error();
    return {};
  }();
  const FaultsPaused paused;
  ::unlink(path.c_str());
  ::rmdir(folder);
  return met;
}

void meets_or_says_why_not() {
  fail_each(meet, {EINTR, ENOMEM, EMFILE, EACCES});
  // None yet, and gone again, are values.
  fail_each(meet, {EAGAIN, ECONNABORTED}, {{"accept4"}});
}

void trusts_nothing_that_was_cut_off() {
  auto pair = connect();
  auto& [one, two] = pair.value();
  answer_call("recvmsg", 1, message_reply("x", MSG_CTRUNC));
  auto got = two.receive();
  check(!got && got.error().errno_value == EMFILE, "descriptors were lost on the way");
  answer_call("recvmsg", 1, message_reply("x", MSG_TRUNC));
  got = two.receive();
  check(!got && got.error().errno_value == EMSGSIZE);
  fail_call("recvmsg", 1, ECONNRESET);
  got = two.receive();
  check(!got && got.error().errno_value == ECONNRESET);
  check(clear_faults());
}

}  // namespace

int main() {
  ends_well_whatever_fails();
  meets_or_says_why_not();
  queues_what_a_full_socket_does_not_take();
  trusts_nothing_that_was_cut_off();
  return finish();
}
