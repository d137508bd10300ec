// Netlink sockets when system calls fail, and answers that no kernel here would give.
#include "netlink/route_socket.h"
#include "netlink/uevent.h"
#include "sys/netlink_calls.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using namespace talos;
using namespace talos::test;

const std::vector<int> kErrnos = {EINTR, EAGAIN, ENOMEM, EMFILE, ENOBUFS, EPERM};

std::string from_port(uint32_t port) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_pid = port;
  return {reinterpret_cast<const char*>(&address), sizeof address};
}

void opens_or_says_why_not() {
  fail_each([] { return netlink::RouteSocket::open(); }, kErrnos);
  // The larger buffer is a wish: SO_RCVBUFFORCE needs a capability, SO_RCVBUF is the way without. Both failing is an error.
  fail_each([] { return netlink::UeventSocket::open(); }, kErrnos, {{"setsockopt"}});
  fail_call("setsockopt", 1, EPERM);
  fail_call("setsockopt", 2, ENOMEM);
  auto refused = netlink::UeventSocket::open();
  check(!refused && refused.error().errno_value == ENOMEM && std::string_view(refused.error().syscall) == "setsockopt");
  check(clear_faults());
}

void tells_datagrams_apart() {
  using Kind = sys::NetlinkDatagram::Kind;
  auto socket = sys::open_uevent_socket(65536);
  check(socket.ok());
  const int fd = socket.value().get();
  std::array<uint8_t, 64> buffer;

  fail_call("recvmsg", 1, ENOBUFS);
  check(sys::receive_netlink(fd, buffer).value().kind == Kind::kOverrun, "messages were lost");
  fail_call("recvmsg", 1, EAGAIN);
  check(sys::receive_netlink(fd, buffer).value().kind == Kind::kNothing);
  fail_call("recvmsg", 1, EINTR);
  answer_call("recvmsg", 2, message_reply(std::string(100, 'x'), MSG_TRUNC, from_port(77)));
  auto cut = sys::receive_netlink(fd, buffer);
  check(cut.ok() && cut.value().kind == Kind::kMessage && cut.value().is_truncated, "one that was cut off is told");
  check_equal(cut.value().sender_port, 77u);
  fail_call("recvmsg", 1, ENOMEM);
  auto failed = sys::receive_netlink(fd, buffer);
  check(!failed && failed.error().errno_value == ENOMEM && std::string_view(failed.error().syscall) == "recvmsg");

  const std::vector<uint8_t> message(16);
  fail_each([&] { return sys::send_netlink(fd, message); }, {EINTR, ENOBUFS, EAGAIN}, {{"sendto"}});
  check(clear_faults());
}

void believes_the_kernel_only() {
  auto opened = netlink::UeventSocket::open();
  check(opened.ok());
  netlink::UeventSocket& socket = opened.value();
  const std::string event("add@/x\0ACTION=add\0DEVPATH=/x\0SUBSYSTEM=net\0", 43);

  answer_call("recvmsg", 1, message_reply(event, 0, from_port(4242)));
  answer_call("recvmsg", 2, message_reply(event, 0, from_port(0)));
  auto outcome = socket.receive();
  check(outcome.ok() && std::get_if<netlink::Uevent>(&outcome.value()) != nullptr);
  check(clear_faults(), "what another process sent was passed over");

  fail_call("recvmsg", 1, ENOBUFS);
  outcome = socket.receive();
  check(outcome.ok() && std::get_if<netlink::UeventOverrun>(&outcome.value()) != nullptr);
  fail_call("recvmsg", 1, EAGAIN);
  outcome = socket.receive();
  check(outcome.ok() && std::get_if<netlink::NoUevent>(&outcome.value()) != nullptr);
  check(clear_faults());
}

}  // namespace

int main() {
  opens_or_says_why_not();
  tells_datagrams_apart();
  believes_the_kernel_only();
  return finish();
}
