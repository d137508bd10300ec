// Connection: bounded, whole messages, descriptors that are never lost or leaked.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "channel/connection.h"
#include "channel/listener.h"
#include "sys/descriptor_calls.h"
#include "test/tap.h"

namespace {

using talos::UniqueFd;
using talos::channel::Connection;
using talos::test::check;
using talos::test::check_equal;
using Received = Connection::Received;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }
std::string text_of(const Received& received) {
  return {reinterpret_cast<const char*>(received.bytes.data()), received.bytes.size()};
}

struct Pair {
  Connection one;
  Connection two;
};

Pair make_pair(size_t max_one = 1000, size_t max_two = 1000) {
  auto ends = std::move(talos::sys::create_seqpacket_pair()).value();
  return {std::move(Connection::open(std::move(ends.first), max_one)).value(),
          std::move(Connection::open(std::move(ends.second), max_two)).value()};
}

void carries_messages() {
  auto [one, two] = make_pair();
  check(two.receive().value().kind == Received::kNothing);
  check(one.send(bytes_of("first"), {}).value() == Connection::Sent::kTaken);
  check(one.send(bytes_of("second"), {}).value() == Connection::Sent::kTaken);
  check_equal(text_of(two.receive().value()), "first");
  check_equal(text_of(two.receive().value()), "second");
  one.close();
  check(two.receive().value().kind == Received::kEnd);
  check(two.send(bytes_of("x"), {}).value() == Connection::Sent::kPeerGone);
}

void carries_descriptors() {
  auto [one, two] = make_pair();
  auto pipe = std::move(talos::sys::create_pipe()).value();
  const int fds[] = {pipe.first.get(), pipe.second.get()};
  check(one.send(bytes_of("x"), fds).ok());
  auto received = std::move(two.receive()).value();
  check_equal(received.descriptors.size(), 2u);
  check_equal(::write(received.descriptors[1].get(), "y", 1), 1);
  char letter = 0;
  check(::read(pipe.first.get(), &letter, 1) == 1 && letter == 'y');
  check_equal(::fcntl(received.descriptors[0].get(), F_GETFD), FD_CLOEXEC);
  const int many[17] = {};
  check_equal(one.send(bytes_of("x"), many).error().errno_value, E2BIG);
}

void bounds_its_queue() {
  auto [one, two] = make_pair();
  auto passed = std::move(talos::sys::create_pipe()).value();
  const std::string text(1000, 't');
  const int fds[] = {passed.first.get()};
  size_t count = 0;
  while (one.send(bytes_of(text), fds).value() == Connection::Sent::kTaken) ++count;
  check(one.has_queued() && count > 100 && count < 10'000, std::to_string(count));
  size_t received = 0;
  for (int round = 0; round < 100'000 && received < count; ++round) {
    auto message = std::move(two.receive()).value();
    if (message.kind == Received::kNothing) {
      check(one.flush().ok());
    } else if (text_of(message) == text && message.descriptors.size() == 1) {
      ++received;
    }
  }
  check_equal(received, count);
  check(!one.has_queued());
}

void enforces_its_bounds() {
  auto [one, two] = make_pair(10, 1000);
  check_equal(one.send(bytes_of(std::string(11, 'x')), {}).error().errno_value, EMSGSIZE);
  check(two.send(bytes_of(std::string(11, 'x')), {}).ok());
  auto received = one.receive();
  check(!received.ok() && received.error().errno_value == EMSGSIZE);
  auto pipe = std::move(talos::sys::create_pipe()).value();
  auto opened = Connection::open(std::move(pipe.first), 10);
  check(!opened.ok() && opened.error().errno_value == ENOTSOCK);
}

// A peer that passes more descriptors than there is room for: all are closed, and the message is not delivered.
void closes_what_it_cannot_take() {
  auto [one, two] = make_pair();
  auto pipe = std::move(talos::sys::create_pipe()).value();
  const UniqueFd lowest(::dup(0));
  const int before = lowest.get();
  char control[CMSG_SPACE(sizeof(int) * 20)] = {};
  msghdr message{};
  iovec part{control, 1};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  auto* header = reinterpret_cast<cmsghdr*>(control);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * 20);
  for (int i = 0; i < 20; ++i) reinterpret_cast<int*>(CMSG_DATA(header))[i] = pipe.first.get();
  check_equal(::sendmsg(one.fd(), &message, 0), 1);
  auto received = two.receive();
  check(!received.ok() && received.error().errno_value == EMFILE);
  const UniqueFd next(::dup(0));
  check_equal(next.get(), before + 1, "no descriptor is left open");
}

void listens_in_the_file_system() {
  using talos::channel::Listener;
  char folder[] = "/tmp/talos-channel-XXXXXX";
  check(::mkdtemp(folder) != nullptr);
  const std::string path = std::string(folder) + "/socket";
  check_equal(talos::channel::connect(path).error().errno_value, ENOENT);
  {
    auto listener = std::move(Listener::open(path)).value();
    check_equal(Listener::open(path).error().errno_value, EADDRINUSE);
    check(!listener.accept().value().has_value(), "nobody has come");
    auto one = std::move(Connection::open(std::move(talos::channel::connect(path)).value(), 100)).value();
    auto accepted = std::move(listener.accept()).value();
    check(accepted.has_value());
    check_equal(::fcntl(accepted->get(), F_GETFD), FD_CLOEXEC);
    check_equal(talos::sys::socket_peer(accepted->get()).value().pid, ::getpid());
    auto other = std::move(Connection::open(std::move(*accepted), 100)).value();
    check(other.send(bytes_of("welcome"), {}).ok());
    check_equal(text_of(one.receive().value()), "welcome");

    std::vector<UniqueFd> waiting;
    for (;;) {
      auto next = talos::channel::connect(path);
      if (!next) {
        check_equal(next.error().errno_value, EAGAIN, "it does not block");
        break;
      }
      waiting.push_back(std::move(next).value());
    }
    check_equal(waiting.size(), static_cast<size_t>(Listener::kBacklog) + 1);
  }
  check_equal(talos::channel::connect(path).error().errno_value, ECONNREFUSED);
  check_equal(talos::channel::connect(std::string(folder) + std::string(108, 'x')).error().errno_value, ENAMETOOLONG);
  check_equal(Listener::open(std::string(folder) + std::string(108, 'x')).error().errno_value, ENAMETOOLONG);
  ::unlink(path.c_str());
  ::rmdir(folder);
}

}  // namespace

int main() {
  carries_messages();
  carries_descriptors();
  bounds_its_queue();
  enforces_its_bounds();
  closes_what_it_cannot_take();
  listens_in_the_file_system();
  return talos::test::finish();
}
