// One end of a SOCK_SEQPACKET connection: messages with descriptors, never blocking, with a bounded queue of what the socket did
// not take yet. Not thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "sys/socket_calls.h"

namespace talos::channel {

class Connection {
 public:
  static constexpr size_t kMaxQueuedMessages = 1024;
  static constexpr size_t kMaxQueuedBytes = 1024 * 1024;

  // EINVAL when the descriptor is no such socket.
  static Result<Connection> open(UniqueFd socket, size_t max_message_bytes);

  enum class Sent {
    kTaken,     // by the socket, or by the queue
    kFull,      // by neither: the peer does not read
    kPeerGone,  // receive() will tell, once everything that the peer sent has been read
  };
  // EMSGSIZE: longer than the bound, or than the socket's buffer. The descriptors stay the caller's.
  Result<Sent> send(std::span<const std::byte> bytes, std::span<const int> descriptors);

  // Hands the queue to the socket as far as it goes.
  Result<void> flush();
  [[nodiscard]] bool has_queued() const { return !queue_.empty(); }

  struct Received {
    enum Kind { kMessage, kNothing, kEnd };
    Kind kind;
    std::span<const std::byte> bytes;  // valid until the next call
    std::vector<UniqueFd> descriptors;
  };
  // EMSGSIZE: the peer sent more than the bound, EMFILE: descriptors were lost on the way. Nothing can be trusted after an error.
  Result<Received> receive();

  // What is queued is dropped; what the socket took, the peer still gets. Only fd() (-1) may be called after it.
  void close();

  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  struct Queued {
    std::vector<std::byte> bytes;
    std::vector<UniqueFd> descriptors;
  };

  Connection(UniqueFd socket, size_t max_message_bytes)
      : socket_(std::move(socket)), max_message_bytes_(max_message_bytes), buffer_(new std::byte[max_message_bytes]) {}

  Result<Sent> enqueue(std::span<const std::byte> bytes, std::span<const int> descriptors);

  UniqueFd socket_;
  size_t max_message_bytes_;
  std::unique_ptr<std::byte[]> buffer_;
  std::deque<Queued> queue_;
  size_t queued_bytes_ = 0;
};

}  // namespace talos::channel
