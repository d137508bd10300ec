#include "sys/netlink_calls.h"

#include <sys/socket.h>
#include <sys/time.h>

namespace talos::sys {
namespace {

constexpr uint32_t kUeventKernelGroup = 1;

Result<UniqueFd> open_bound(int protocol, int type_flags, uint32_t groups) {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | type_flags, protocol));
  if (!fd) return last_error("socket");
  struct sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (::bind(fd.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address) == -1) return last_error("bind");
  return fd;
}

Result<void> set_option(int fd, int level, int option, int value) {
  if (::setsockopt(fd, level, option, &value, sizeof value) == -1) return last_error("setsockopt");
  return {};
}

Result<UniqueFd> open_monitor(int protocol, uint32_t groups, int buffer_bytes) {
  auto opened = open_bound(protocol, SOCK_NONBLOCK, groups);
  if (!opened) return opened;
  // Beyond rmem_max with CAP_NET_ADMIN; without it, as much as the limit allows.
  int fd = opened.value().get();
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, buffer_bytes)) {
    if (auto set = set_option(fd, SOL_SOCKET, SO_RCVBUF, buffer_bytes); !set) return set.error();
  }
  return opened;
}

}  // namespace

Result<UniqueFd> open_route_socket(int timeout_ms) {
  auto opened = open_bound(NETLINK_ROUTE, 0, 0);
  if (!opened) return opened;
  int fd = opened.value().get();
  struct timeval timeout = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) == -1) return last_error("setsockopt");
  for (int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK}) {
    if (auto set = set_option(fd, SOL_NETLINK, option, 1); !set) return set.error();
  }
  return opened;
}

Result<UniqueFd> open_route_monitor(uint32_t groups, int buffer_bytes) {
  return open_monitor(NETLINK_ROUTE, groups, buffer_bytes);
}

Result<UniqueFd> open_uevent_socket(int buffer_bytes) {
  return open_monitor(NETLINK_KOBJECT_UEVENT, kUeventKernelGroup, buffer_bytes);
}

Result<void> send_netlink(int fd, std::span<const uint8_t> message) {
  struct sockaddr_nl kernel = {};
  kernel.nl_family = AF_NETLINK;
  for (;;) {
    if (::sendto(fd, message.data(), message.size(), 0, reinterpret_cast<struct sockaddr*>(&kernel), sizeof kernel) != -1)
      return {};
    if (errno != EINTR) return last_error("sendto");
  }
}

Result<NetlinkDatagram> receive_netlink(int fd, std::span<uint8_t> buffer) {
  using Kind = NetlinkDatagram::Kind;
  struct sockaddr_nl sender = {};
  struct iovec vector = {buffer.data(), buffer.size()};
  struct msghdr header = {};
  header.msg_name = &sender;
  header.msg_namelen = sizeof sender;
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  for (;;) {
    ssize_t count = ::recvmsg(fd, &header, 0);
    if (count >= 0) {
      return NetlinkDatagram{Kind::kMessage, static_cast<size_t>(count), sender.nl_pid, (header.msg_flags & MSG_TRUNC) != 0};
    }
    if (errno == EAGAIN) return NetlinkDatagram{};
    if (errno == ENOBUFS) return NetlinkDatagram{.kind = Kind::kOverrun};
    if (errno != EINTR) return last_error("recvmsg");
  }
}

}  // namespace talos::sys
