#include "sys/socket_calls.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

namespace talos::sys {

namespace {

union ControlBuffer {
  char bytes[CMSG_SPACE(sizeof(int) * kMaxDescriptors)];
  cmsghdr align;
};

void take_descriptors(msghdr& message, std::vector<UniqueFd>& descriptors) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr; control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(control) + i * sizeof fd, sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
}

Result<UniqueFd> create_seqpacket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return last_error("socket");
  return fd;
}

// A path in the file system, with the NUL that ends it. `syscall` is the one that it is for.
Result<sockaddr_un> address_of(const char* syscall, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Error{ENAMETOOLONG, syscall, path, {}, {}};
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* as_generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

}  // namespace

Result<std::pair<UniqueFd, UniqueFd>> create_seqpacket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return last_error("socketpair");
  return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

Result<UniqueFd> listen_seqpacket(const std::string& path, int backlog) {
  auto address = address_of("bind", path);
  if (!address) return address.error();
  auto fd = create_seqpacket();
  if (!fd) return fd;
  if (::bind(fd.value().get(), as_generic(address.value()), sizeof(sockaddr_un)) != 0) return last_error("bind", path);
  if (::listen(fd.value().get(), backlog) != 0) return last_error("listen", path);
  return fd;
}

Result<std::optional<UniqueFd>> accept_seqpacket(int listener) {
  for (;;) {
    UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) return std::optional(std::move(fd));
    if (errno == EAGAIN) return std::optional<UniqueFd>();
    // ECONNABORTED: who waited has gone.
    if (errno != EINTR && errno != ECONNABORTED) return last_error("accept4");
  }
}

Result<UniqueFd> connect_seqpacket(const std::string& path) {
  auto address = address_of("connect", path);
  if (!address) return address.error();
  auto fd = create_seqpacket();
  if (!fd) return fd;
  int connected;
  do {
    connected = ::connect(fd.value().get(), as_generic(address.value()), sizeof(sockaddr_un));
  } while (connected != 0 && errno == EINTR);
  if (connected != 0) return last_error("connect", path);
  return fd;
}

Result<void> require_seqpacket(int fd) {
  int type = 0;
  socklen_t length = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0) return last_error("getsockopt");
  if (type != SOCK_SEQPACKET) return Error{EINVAL, "getsockopt", {}, {}, "not a SOCK_SEQPACKET socket"};
  return {};
}

Result<SocketPeer> socket_peer(int fd) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return last_error("getsockopt");
  return SocketPeer{credentials.pid, credentials.uid, credentials.gid};
}

Result<bool> send_message(int fd, std::span<const std::byte> bytes, std::span<const int> descriptors) {
  // SAFETY: sendmsg(2) does not write to the buffer, its structure is older than const.
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (descriptors.size() > kMaxDescriptors) return Error{E2BIG, "sendmsg", {}, {}, {}};
  if (!descriptors.empty()) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t sent;
  do {
    sent = ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return true;
  if (errno == EAGAIN) return false;
  return last_error("sendmsg");
}

Result<ReceivedMessage> receive_message(int fd, std::span<std::byte> buffer) {
  iovec part{buffer.data(), buffer.size()};
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  ssize_t got;
  do {
    got = ::recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  ReceivedMessage received;
  if (got < 0) {
    if (errno == EAGAIN) return received;
    return last_error("recvmsg");
  }
  take_descriptors(message, received.descriptors);
  received.kind = got == 0 ? ReceivedMessage::kEnd : ReceivedMessage::kMessage;
  received.bytes = static_cast<size_t>(got);
  received.is_truncated = (message.msg_flags & MSG_TRUNC) != 0;
  received.lost_descriptors = (message.msg_flags & MSG_CTRUNC) != 0;
  return received;
}

}  // namespace talos::sys
