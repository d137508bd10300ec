#include "channel/connection.h"

#include "sys/descriptor_calls.h"

namespace talos::channel {

namespace {

bool peer_is_gone(const Error& error) { return error.errno_value == EPIPE || error.errno_value == ECONNRESET; }

}  // namespace

Result<Connection> Connection::open(UniqueFd socket, size_t max_message_bytes) {
  if (auto right = sys::require_seqpacket(socket.get()); !right) return right.error();
  return Connection(std::move(socket), max_message_bytes);
}

Result<Connection::Sent> Connection::send(std::span<const std::byte> bytes, std::span<const int> descriptors) {
  if (bytes.size() > max_message_bytes_) return Error{EMSGSIZE, "sendmsg", {}, {}, {}};
  if (!queue_.empty()) return enqueue(bytes, descriptors);
  auto sent = sys::send_message(socket_.get(), bytes, descriptors);
  if (!sent) {
    if (peer_is_gone(sent.error())) return Sent::kPeerGone;
    return sent.error();
  }
  return sent.value() ? Sent::kTaken : enqueue(bytes, descriptors);
}

Result<Connection::Sent> Connection::enqueue(std::span<const std::byte> bytes, std::span<const int> descriptors) {
  if (queue_.size() >= kMaxQueuedMessages || queued_bytes_ + bytes.size() > kMaxQueuedBytes) return Sent::kFull;
  if (descriptors.size() > sys::kMaxDescriptors) return Error{E2BIG, "sendmsg", {}, {}, {}};
  Queued queued;
  for (int fd : descriptors) {
    auto copy = sys::duplicate_descriptor(fd);
    if (!copy) return copy.error();
    queued.descriptors.push_back(std::move(copy).value());
  }
  queued.bytes.assign(bytes.begin(), bytes.end());
  queued_bytes_ += bytes.size();
  queue_.push_back(std::move(queued));
  return Sent::kTaken;
}

Result<void> Connection::flush() {
  while (!queue_.empty()) {
    const Queued& first = queue_.front();
    std::vector<int> descriptors;
    for (const UniqueFd& fd : first.descriptors) descriptors.push_back(fd.get());
    auto sent = sys::send_message(socket_.get(), first.bytes, descriptors);
    if (!sent && !peer_is_gone(sent.error())) return sent.error();
    if (sent && !sent.value()) return {};
    // To a peer that is gone, everything is as good as sent; receive() tells.
    queued_bytes_ -= first.bytes.size();
    queue_.pop_front();
  }
  return {};
}

Result<Connection::Received> Connection::receive() {
  auto got = sys::receive_message(socket_.get(), {buffer_.get(), max_message_bytes_});
  if (!got) return got.error();
  sys::ReceivedMessage& message = got.value();
  if (message.is_truncated) return Error{EMSGSIZE, "recvmsg", {}, {}, "the message is longer than agreed"};
  if (message.lost_descriptors) return Error{EMFILE, "recvmsg", {}, {}, "descriptors were lost"};
  switch (message.kind) {
    case sys::ReceivedMessage::kWouldBlock:
      return Received{Received::kNothing, {}, {}};
    case sys::ReceivedMessage::kEnd:
      return Received{Received::kEnd, {}, {}};
    case sys::ReceivedMessage::kMessage:
      break;
  }
  return Received{Received::kMessage, {buffer_.get(), message.bytes}, std::move(message.descriptors)};
}

void Connection::close() {
  socket_.reset();
  queue_.clear();
  queued_bytes_ = 0;
}

}  // namespace talos::channel
