// Name servers in router advertisements: real ones of a router at the other end of a veth pair, and what goes wrong on the way.
#include <net/if.h>
#include <netinet/icmp6.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include "netlink/name_servers.h"
#include "sys/packet_calls.h"
#include "test/fault.h"
#include "test/router_option.h"
#include "test/tap.h"

namespace {

using namespace talos::netlink;
using talos::Result;
using talos::UniqueFd;
using talos::test::Blob;
using talos::test::check;
using talos::test::check_equal;
using talos::test::kRouterAdvertisement;
using talos::test::message_with;
using talos::test::rdnss;

constexpr int kDeadlineMs = 5000;
constexpr int kResendMs = 50;

bool run(const char* command) { return check(std::system(command) == 0, command); }

// A router on one interface, with the address fe80::1.
class Router {
 public:
  explicit Router(const char* name) : fd_(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6)) {
    group_.sin6_family = AF_INET6;
    group_.sin6_scope_id = ::if_nametoindex(name);
    struct sockaddr_in6 own = group_;
    own.sin6_addr = {{{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}};
    group_.sin6_addr = {{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}};
    int hops = 255;
    check(::setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops) == 0);
    // It is no host that hears itself.
    int off = 0;
    check(::setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off, sizeof off) == 0);
    check(::bind(fd_.get(), reinterpret_cast<struct sockaddr*>(&own), sizeof own) == 0, "a router's own address");
  }

  // The kernel puts the checksum in.
  void advertise(const Blob& options) {
    Blob packet = {kRouterAdvertisement, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    packet.insert(packet.end(), options.begin(), options.end());
    auto* to = reinterpret_cast<struct sockaddr*>(&group_);
    check(::sendto(fd_.get(), packet.data(), packet.size(), 0, to, sizeof group_) == static_cast<ssize_t>(packet.size()));
  }

 private:
  UniqueFd fd_;
  struct sockaddr_in6 group_ = {};
};

// Hears what all routers of the link hear: bound to no address.
UniqueFd routers_ear(const char* name) {
  UniqueFd fd(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
  struct icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(133, &filter);
  check(::setsockopt(fd.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) == 0);
  int on = 1;
  check(::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on) == 0);
  struct ipv6_mreq routers = {};
  routers.ipv6mr_multiaddr = {{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}}};
  routers.ipv6mr_interface = ::if_nametoindex(name);
  check(::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &routers, sizeof routers) == 0);
  return fd;
}

bool becomes_readable(int fd, int timeout_ms) {
  struct pollfd ready = {fd, POLLIN, 0};
  return ::poll(&ready, 1, timeout_ms) == 1;
}

Batch received(NameServerSocket& socket) {
  Batch batch;
  auto outcome = socket.receive(batch);
  check(outcome && outcome.value() == NameServerSocket::Outcome::kEmpty);
  return batch;
}

void hears_real_advertisements(NameServerSocket& socket, Router& router) {
  // The other end drops what it is given until the kernel has told it of the carrier.
  bool is_heard = false;
  for (int waited_ms = 0; !is_heard && waited_ms < kDeadlineMs; waited_ms += kResendMs) {
    router.advertise(rdnss(600, 1));
    is_heard = becomes_readable(socket.fd(), kResendMs);
  }
  if (!check(is_heard)) return;
  (void)received(socket);

  Blob options = {31, 2, 0, 0, 0, 0, 0, 9, 1, 'a', 0, 0, 0, 0, 0, 0};
  for (const Blob& option : {rdnss(0, 1), rdnss(600, 0), rdnss(1200, 2)})
    options.insert(options.end(), option.begin(), option.end());
  router.advertise(options);
  check(becomes_readable(socket.fd(), kDeadlineMs));
  Batch batch = received(socket);
  // Head, index, length of the router's text, lifetime, count, lengths of texts.
  if (!check_equal(batch.numbers().size(), 6u + 7u, "one for each good option")) return;
  check_equal(batch.numbers()[1], static_cast<double>(::if_nametoindex("veth0")));
  check_equal(batch.numbers()[3], 0.0);
  check_equal(batch.numbers()[6 + 3], 1200.0);
  check_equal(batch.texts(), "fe80::12001:db8::1fe80::12001:db8::12001:db8::2");
}

// The next solicitation that has nothing but its head, and the hop limit that it came with. The kernel's own have an option.
Blob next_bare_solicitation(int ear, int& hops) {
  while (becomes_readable(ear, kDeadlineMs)) {
    Blob bytes(64);
    alignas(struct cmsghdr) char control[64];
    struct iovec vector = {bytes.data(), bytes.size()};
    struct msghdr header = {};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    if (::recvmsg(ear, &header, 0) != 8) continue;
    struct cmsghdr* fact = CMSG_FIRSTHDR(&header);
    if (check(fact != nullptr && fact->cmsg_type == IPV6_HOPLIMIT)) std::memcpy(&hops, CMSG_DATA(fact), sizeof hops);
    bytes.resize(8);
    return bytes;
  }
  return {};
}

void asks_routers(const UniqueFd& ear) {
  const uint32_t index = ::if_nametoindex("veth0");
  check(talos::sys::solicit_routers(index).ok());
  int hops = 0;
  Blob bytes = next_bare_solicitation(ear.get(), hops);
  if (!check(bytes.size() == 8, "it arrives")) return;
  check(bytes[0] == 133 && bytes[1] == 0);
  check_equal(hops, 255);

  auto nowhere = talos::sys::solicit_routers(4711);
  check(!nowhere && nowhere.error().errno_value == ENETUNREACH, "no such interface");
  talos::test::fail_each([index] { return talos::sys::solicit_routers(index); }, {EPERM, EMFILE, ENOMEM, EINTR, EADDRNOTAVAIL});
}

std::string kernel_address(uint32_t port) {
  struct sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  address.nl_pid = port;
  return {reinterpret_cast<const char*>(&address), sizeof address};
}

void tells_of_losses(NameServerSocket& socket) {
  using namespace talos::test;
  const std::string good = message_with(rdnss(600, 1));
  answer_call("recvmsg", 1, message_reply(good, 0, kernel_address(4711)));
  check(received(socket).is_empty(), "the kernel only is believed");
  check(clear_faults());

  fail_call("recvmsg", 1, ENOBUFS);
  answer_call("recvmsg", 2, message_reply(good, 0, kernel_address(0)));
  Batch batch = received(socket);
  check_equal(batch.numbers().front(), kNameServersRecord, "what was queued comes first");
  check_equal(batch.numbers().back(), kLossRecord, "then that some are lost");
  check(clear_faults());
  check(received(socket).is_empty(), "once");

  for (const auto& reply : {message_reply(good, MSG_TRUNC), message_reply("no message")}) {
    answer_call("recvmsg", 1, reply);
    check_equal(received(socket).numbers().size(), 1u, "one that cannot be read is lost");
    check(clear_faults());
  }

  answer_always("recvmsg", message_reply(good, 0, kernel_address(0)));
  Batch flood;
  auto outcome = socket.receive(flood);
  check(outcome && outcome.value() == NameServerSocket::Outcome::kMore, "a flood does not keep others waiting");
  check_equal(flood.numbers().size(), 6u * NameServerSocket::kBatchMessages);
  (void)clear_faults();
}

void every_call_may_fail() {
  const std::vector<talos::test::Tolerated> tolerated = {{"setsockopt", 0}, {"recvmsg", EAGAIN}, {"recvmsg", ENOBUFS}};
  talos::test::fail_each([] { return NameServerSocket::open(); }, {EMFILE, ENOMEM, EINTR}, tolerated);
  talos::test::fail_each(
      []() -> Result<int> {
        auto socket = NameServerSocket::open();
        if (!socket) return socket.error();
        Batch batch;
        auto outcome = socket.value().receive(batch);
        if (!outcome) return outcome.error();
        return 0;
      },
      {ENOMEM, EINTR, ENOBUFS}, tolerated);
}

}  // namespace

int main() {
  if (!check(::unshare(CLONE_NEWNET) == 0, "a network of our own (needs CAP_SYS_ADMIN)")) return talos::test::finish();
  run("ip link add veth0 type veth peer name veth1");
  run("ip address add fe80::1/64 dev veth1 nodad && ip address add fe80::2/64 dev veth0 nodad");
  run("ip link set veth0 up && ip link set veth1 up");
  auto socket = NameServerSocket::open();
  if (check(socket.ok())) {
    Router router("veth1");
    UniqueFd ear = routers_ear("veth1");
    hears_real_advertisements(socket.value(), router);
    asks_routers(ear);
    tells_of_losses(socket.value());
  }
  every_call_may_fail();
  return talos::test::finish();
}
