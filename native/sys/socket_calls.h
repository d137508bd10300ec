// SOCK_SEQPACKET sockets of AF_UNIX with descriptors beside the messages (unix(7), SCM_RIGHTS).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::sys {

// Of one message, both ways. The kernel's own bound is 253.
constexpr size_t kMaxDescriptors = 16;

Result<std::pair<UniqueFd, UniqueFd>> create_seqpacket_pair();

// A listening socket in the file system, whose path must not be taken (EADDRINUSE); the umask decides who may connect. At most
// `backlog` connections wait to be accepted. ENAMETOOLONG: a path of more than 107 bytes.
Result<UniqueFd> listen_seqpacket(const std::string& path, int backlog);
// The next connection that waits, or none.
Result<std::optional<UniqueFd>> accept_seqpacket(int listener);
// Does not block: EAGAIN when more wait already than the other side lets wait.
Result<UniqueFd> connect_seqpacket(const std::string& path);

// EINVAL when the descriptor is no SOCK_SEQPACKET socket.
Result<void> require_seqpacket(int fd);

struct SocketPeer {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};
// SO_PEERCRED. Of a socketpair: who made it.
Result<SocketPeer> socket_peer(int fd);

// False: the socket's buffer is full. EPIPE and ECONNRESET mean that the peer is gone.
Result<bool> send_message(int fd, std::span<const std::byte> bytes, std::span<const int> descriptors);

struct ReceivedMessage {
  enum Kind { kMessage, kWouldBlock, kEnd };
  Kind kind = kWouldBlock;
  size_t bytes = 0;
  bool is_truncated = false;          // it was longer than the buffer
  bool lost_descriptors = false;      // there were more than kMaxDescriptors, or no room in our table
  std::vector<UniqueFd> descriptors;  // close-on-exec
};
Result<ReceivedMessage> receive_message(int fd, std::span<std::byte> buffer);

}  // namespace talos::sys
