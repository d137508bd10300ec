// The client's sockets on a pair of veth interfaces in a network namespace of this program's own: what leaves them, what gets
// through to them, and every failure of a system call on the way. And the timers by the boot clock.
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "dhcp/datagram.h"
#include "dhcp/socket.h"
#include "sys/packet_calls.h"
#include "sys/timer_calls.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using talos::UniqueFd;
using talos::test::check;
using talos::test::check_equal;
using talos::test::FaultsPaused;
using namespace talos::dhcp;
using Blob = std::vector<uint8_t>;

constexpr Mac kMac = {0x02, 0, 0, 0, 0, 0x01};
constexpr Mac kPeerMac = {0x02, 0, 0, 0, 0, 0x02};
constexpr Ipv4 kAddress = 0x0a050002;  // 10.5.0.2
constexpr Ipv4 kServer = 0x0a050001;   // 10.5.0.1
constexpr int kDeadlineMs = 5000;

bool run(const char* command) { return check(std::system(command) == 0, command); }

void put(Blob& out, size_t offset, const Blob& bytes) {
  std::copy(bytes.begin(), bytes.end(), out.begin() + static_cast<ptrdiff_t>(offset));
}

// An offer as an Ethernet frame from the peer; `tag` of four bytes goes between addresses and type.
Blob frame(const Mac& destination, const Blob& tag = {}, uint8_t checksum_damage = 0) {
  Blob message(240, 0);
  put(message, 0, {2, 1, 6});
  put(message, 16, {10, 5, 0, 2});
  put(message, 28, Blob(kMac.begin(), kMac.end()));
  put(message, 236, {0x63, 0x82, 0x53, 0x63});
  const Blob options = {53, 1, 2, 54, 4, 10, 5, 0, 1, 51, 4, 0, 0, 1, 0, 255};
  message.insert(message.end(), options.begin(), options.end());
  Blob packet = wrap(message, kServer, kAddress);
  std::swap(packet[21], packet[23]);
  packet[26] ^= checksum_damage;
  Blob bytes(destination.begin(), destination.end());
  bytes.insert(bytes.end(), kPeerMac.begin(), kPeerMac.end());
  bytes.insert(bytes.end(), tag.begin(), tag.end());
  bytes.insert(bytes.end(), {0x08, 0x00});
  bytes.insert(bytes.end(), packet.begin(), packet.end());
  return bytes;
}

// The other end of the link: whole frames, both ways.
class Peer {
 public:
  explicit Peer(uint32_t index) : fd_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL))) {
    struct sockaddr_ll address = {};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(index);
    check(fd_.is_open() && ::bind(fd_.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address) == 0);
  }

  void send(const Blob& bytes) { check(::send(fd_.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size())); }

  // The next IPv4 frame that has come.
  Blob receive() {
    for (;;) {
      struct pollfd ready = {fd_.get(), POLLIN, 0};
      if (::poll(&ready, 1, kDeadlineMs) != 1) return {};
      Blob bytes(2048);
      bytes.resize(static_cast<size_t>(std::max<ssize_t>(::recv(fd_.get(), bytes.data(), bytes.size(), 0), 0)));
      if (bytes.size() > 14 && bytes[12] == 8 && bytes[13] == 0) return bytes;
    }
  }

 private:
  UniqueFd fd_;
};

bool becomes_readable(int fd, int timeout_ms) {
  struct pollfd ready = {fd, POLLIN, 0};
  return ::poll(&ready, 1, timeout_ms) == 1;
}

void sends(DhcpSocket& socket, Peer& peer) {
  ClientMessage discover;
  discover.mac = kMac;
  check(socket.broadcast(discover, 0).ok());
  Blob bytes = peer.receive();
  if (!check(bytes.size() == 14 + 28 + 300, "a DISCOVER of 300 bytes")) return;
  check(std::all_of(bytes.begin(), bytes.begin() + 6, [](uint8_t byte) { return byte == 0xff; }), "to every station");
  check(std::equal(kMac.begin(), kMac.end(), bytes.begin() + 6));
  check(Blob(bytes.begin() + 14, bytes.end()) == wrap(encode(discover), 0, 0xffffffff));

  ClientMessage renewal;
  renewal.type = MessageType::kRequest;
  renewal.mac = kMac;
  renewal.client_address = kAddress;
  check(socket.unicast(renewal, kAddress, kServer).ok());
  bytes = peer.receive();
  if (!check(bytes.size() > 42, "a renewal")) return;
  check(std::equal(kPeerMac.begin(), kPeerMac.end(), bytes.begin()), "the kernel has found the way");
  Blob expected = wrap(encode(renewal), kAddress, kServer);
  check(Blob(bytes.begin() + 14 + 12, bytes.end()) == Blob(expected.begin() + 12, expected.end()),
        "from our address to the server");
  // Bound to an interface, the kernel takes a destination without a route for one on the link.
  check(socket.unicast(renewal, kAddress, 0xc0000201).ok(), "a server beyond all routes");
}

// Sends frames that must not get through, then one that must: what is there first tells.
void hears(DhcpSocket& socket, Peer& peer) {
  Blob other = frame(kMac);
  other[14 + 20 + 3] = 67;
  peer.send(other);                            // another port
  peer.send(frame({0x02, 9, 9, 9, 9, 9}));     // another station
  peer.send(frame(kMac, {0x81, 0, 0, 0x07}));  // VLAN 7
  peer.send(frame(kMac));
  check(becomes_readable(socket.fd(), kDeadlineMs));
  auto outcome = socket.receive();
  const auto* message = outcome ? std::get_if<ServerMessage>(&outcome.value()) : nullptr;
  if (check(message != nullptr, "the good one is the first to get through")) check_equal(message->your_address, kAddress);

  peer.send(frame({0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0x81, 0, 0xe0, 0}));
  check(becomes_readable(socket.fd(), kDeadlineMs));
  outcome = socket.receive();
  check(outcome && std::holds_alternative<ServerMessage>(outcome.value()), "a tag that is only a priority; a broadcast");

  peer.send(frame(kMac, {}, 1));
  check(becomes_readable(socket.fd(), kDeadlineMs));
  outcome = socket.receive();
  const auto* rejected = outcome ? std::get_if<Rejected>(&outcome.value()) : nullptr;
  if (check(rejected != nullptr)) check_equal(rejected->why, "a wrong UDP checksum at offset 26");
  outcome = socket.receive();
  check(outcome && std::holds_alternative<NoMessage>(outcome.value()));
}

// A datagram socket of the kernel's leaves the checksum to the card, which a veth does not have.
void hears_without_checksum(DhcpSocket& socket, uint32_t peer_index) {
  UniqueFd server(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  int on = 1;
  int index = static_cast<int>(peer_index);
  ::setsockopt(server.get(), SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
  ::setsockopt(server.get(), SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof index);
  struct sockaddr_in everybody = {};
  everybody.sin_family = AF_INET;
  everybody.sin_port = htons(68);
  everybody.sin_addr.s_addr = 0xffffffff;
  Blob bytes = frame(kMac);
  const ssize_t sent = ::sendto(server.get(), bytes.data() + 42, bytes.size() - 42, 0,
                                reinterpret_cast<struct sockaddr*>(&everybody), sizeof everybody);
  check(sent == static_cast<ssize_t>(bytes.size() - 42));
  check(becomes_readable(socket.fd(), kDeadlineMs));
  auto outcome = socket.receive();
  check(outcome && std::holds_alternative<ServerMessage>(outcome.value()), "PACKET_AUXDATA says that the sum is not there yet");
}

constexpr int kResendMs = 50;

void survives_the_interface(DhcpSocket& socket, Peer& peer) {
  ClientMessage discover;
  discover.mac = kMac;
  run("ip link set veth0 down");
  auto sent = socket.broadcast(discover, 0);
  check(!sent && sent.error().errno_value == ENETDOWN);
  auto outcome = socket.receive();
  check(outcome && std::holds_alternative<NoMessage>(outcome.value()), "that it is down is nobody's message");
  run("ip link set veth0 up");
  // The other end drops what it is given until the kernel has told it of the carrier.
  bool is_heard = false;
  for (int waited_ms = 0; !is_heard && waited_ms < kDeadlineMs; waited_ms += kResendMs) {
    peer.send(frame(kMac));
    is_heard = becomes_readable(socket.fd(), kResendMs);
  }
  check(is_heard);
  outcome = socket.receive();
  check(outcome && std::holds_alternative<ServerMessage>(outcome.value()), "it hears again when the interface is back");
}

void fails(uint32_t index, Peer& peer) {
  auto nowhere = DhcpSocket::open(4711, kMac);
  check(!nowhere && nowhere.error().errno_value == ENODEV && std::string_view(nowhere.error().syscall) == "bind");
  talos::test::fail_each([&] { return DhcpSocket::open(index, kMac); }, {EPERM, EMFILE, ENOMEM});
  auto socket = DhcpSocket::open(index, kMac);
  if (!check(socket.ok())) return;
  ClientMessage discover;
  discover.mac = kMac;
  talos::test::fail_each([&] { return socket.value().broadcast(discover, 0); }, {EINTR, ENOBUFS, ENETDOWN});
  talos::test::fail_each([&] { return socket.value().unicast(discover, kAddress, kServer); }, {EINTR, ENETUNREACH});
  talos::test::fail_each([&] { return socket.value().receive(); }, {EINTR, EAGAIN, ENOMEM, ENETDOWN},
                         {{"recvmsg", EAGAIN}, {"recvmsg", ENETDOWN}});
  talos::test::fail_each(&talos::sys::random_u32, {EINTR, ENOSYS});
  // A message beyond the buffer, as recvmsg says it.
  talos::test::answer_call("recvmsg", 1, talos::test::message_reply(std::string(100, 'x'), MSG_TRUNC));
  auto outcome = socket.value().receive();
  const auto* rejected = outcome ? std::get_if<Rejected>(&outcome.value()) : nullptr;
  check(rejected != nullptr && rejected->why.find("larger") != std::string::npos, "what does not fit is not read");
  check(talos::test::clear_faults());
  peer.send(frame(kMac));
  check(becomes_readable(socket.value().fd(), kDeadlineMs), "the socket is none the worse for it");
}

void keeps_time() {
  using namespace talos::sys;
  auto timer = create_boot_timer();
  if (!check(timer.ok())) return;
  const int fd = timer.value().get();
  check(!take_expiry(fd).value() && !becomes_readable(fd, 0), "a new one is not armed");
  const int64_t now = boot_time_ms();
  check(arm_boot_timer(fd, now + 30).ok());
  check(becomes_readable(fd, kDeadlineMs));
  check(boot_time_ms() >= now + 30, "it is not early");
  check(take_expiry(fd).value() && !take_expiry(fd).value(), "an expiry is taken once");
  check(arm_boot_timer(fd, 0).ok() && becomes_readable(fd, kDeadlineMs), "the beginning of time has passed");
  check(arm_boot_timer(fd, now + 1'000'000).ok() && !becomes_readable(fd, 0), "a later moment takes its place");
  check(arm_boot_timer(fd, 0).ok() && becomes_readable(fd, kDeadlineMs));
  check(arm_boot_timer(fd, -1).ok() && !becomes_readable(fd, 0), "never");
  talos::test::fail_each([] { return create_boot_timer(); }, {EMFILE, ENOMEM});
  talos::test::fail_each([&] { return arm_boot_timer(fd, 0); }, {EINVAL});
  talos::test::fail_each([&] { return take_expiry(fd); }, {EINTR, EIO});
}

}  // namespace

int main() {
  keeps_time();
  if (!check(::unshare(CLONE_NEWNET) == 0, "a network of our own (needs CAP_SYS_ADMIN)")) return talos::test::finish();
  run("ip link add veth0 address 02:00:00:00:00:01 type veth peer name veth1 address 02:00:00:00:00:02");
  run("ip address add 10.5.0.2/24 dev veth0 && ip link set veth0 up && ip link set veth1 up");
  run("ip neighbour add 10.5.0.1 lladdr 02:00:00:00:00:02 dev veth0");
  const uint32_t index = ::if_nametoindex("veth0");
  Peer peer(::if_nametoindex("veth1"));
  auto socket = DhcpSocket::open(index, kMac);
  if (check(socket.ok())) {
    sends(socket.value(), peer);
    hears(socket.value(), peer);
    hears_without_checksum(socket.value(), ::if_nametoindex("veth1"));
    survives_the_interface(socket.value(), peer);
    run("ip neighbour replace 10.5.0.1 lladdr 02:00:00:00:00:02 dev veth0");
    fails(index, peer);
  }
  return talos::test::finish();
}
