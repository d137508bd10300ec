#include "sys/packet_calls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

namespace talos::sys {
namespace {

constexpr uint16_t kVlanIdMask = 0x0fff;

template <typename Address>
Result<void> send_to(int fd, std::span<const uint8_t> packet, const Address& address) {
  for (;;) {
    const auto* to = reinterpret_cast<const struct sockaddr*>(&address);
    if (::sendto(fd, packet.data(), packet.size(), 0, to, sizeof address) != -1) return {};
    if (errno != EINTR) return last_error("sendto");
  }
}

void read_facts(msghdr& header, ReceivedPacket& packet) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != SOL_PACKET || control->cmsg_type != PACKET_AUXDATA) continue;
    struct tpacket_auxdata facts;
    std::memcpy(&facts, CMSG_DATA(control), sizeof facts);
    packet.is_checksum_ready = (facts.tp_status & TP_STATUS_CSUMNOTREADY) == 0;
    if ((facts.tp_status & TP_STATUS_VLAN_VALID) != 0) packet.vlan_id = facts.tp_vlan_tci & kVlanIdMask;
  }
}

}  // namespace

Result<UniqueFd> open_packet_socket(uint32_t interface_index, std::span<const sock_filter> filter) {
  // Without a protocol it hears nothing until it is bound to one.
  UniqueFd fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return last_error("socket");
  // SAFETY: SO_ATTACH_FILTER copies the program; the structure is older than const.
  struct sock_fprog program = {static_cast<unsigned short>(filter.size()), const_cast<sock_filter*>(filter.data())};
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == -1) return last_error("setsockopt");
  int on = 1;
  if (::setsockopt(fd.get(), SOL_PACKET, PACKET_AUXDATA, &on, sizeof on) == -1) return last_error("setsockopt");
  struct sockaddr_ll address = {};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_IP);
  address.sll_ifindex = static_cast<int>(interface_index);
  if (::bind(fd.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address) == -1) return last_error("bind");
  return fd;
}

Result<UniqueFd> open_ip_socket(uint32_t interface_index) {
  UniqueFd fd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW));
  if (!fd) return last_error("socket");
  int index = static_cast<int>(interface_index);
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof index) == -1) return last_error("setsockopt");
  return fd;
}

Result<void> broadcast_packet(int fd, uint32_t interface_index, std::span<const uint8_t> packet) {
  struct sockaddr_ll address = {};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_IP);
  address.sll_ifindex = static_cast<int>(interface_index);
  address.sll_halen = ETH_ALEN;
  std::memset(address.sll_addr, 0xff, ETH_ALEN);
  return send_to(fd, packet, address);
}

Result<void> solicit_routers(uint32_t interface_index) {
  UniqueFd fd(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6));
  if (!fd) return last_error("socket");
  int index = static_cast<int>(interface_index);
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof index) == -1) return last_error("setsockopt");
  // Routers drop one that may have come from elsewhere.
  int hops = 255;
  if (::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops) == -1) return last_error("setsockopt");
  // Type, code, sum (the kernel's to fill in), reserved.
  constexpr std::array<uint8_t, 8> kSolicitation = {133};
  struct sockaddr_in6 all_routers = {};
  all_routers.sin6_family = AF_INET6;
  all_routers.sin6_scope_id = interface_index;
  all_routers.sin6_addr = {{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02}}};
  return send_to(fd.get(), kSolicitation, all_routers);
}

Result<void> send_ip_packet(int fd, uint32_t destination, std::span<const uint8_t> packet) {
  struct sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(destination);
  return send_to(fd, packet, address);
}

Result<ReceivedPacket> receive_packet(int fd, std::span<uint8_t> buffer) {
  union {
    char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
    cmsghdr align;
  } control;
  struct iovec vector = {buffer.data(), buffer.size()};
  for (;;) {
    struct msghdr header = {};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control.bytes;
    header.msg_controllen = sizeof control.bytes;
    ssize_t count = ::recvmsg(fd, &header, MSG_DONTWAIT);
    if (count >= 0) {
      ReceivedPacket packet;
      packet.is_there = true;
      packet.size = static_cast<size_t>(count);
      packet.is_truncated = (header.msg_flags & MSG_TRUNC) != 0;
      read_facts(header, packet);
      return packet;
    }
    if (errno == EAGAIN) return ReceivedPacket{};
    if (errno != EINTR && errno != ENETDOWN) return last_error("recvmsg");
  }
}

Result<uint32_t> random_u32() {
  uint32_t value;
  for (;;) {
    if (::getrandom(&value, sizeof value, 0) == static_cast<ssize_t>(sizeof value)) return value;
    if (errno != EINTR) return last_error("getrandom");
  }
}

}  // namespace talos::sys
