#include "netlink/route_socket.h"

#include "netlink/acknowledgement.h"
#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

constexpr int kTimeoutMs = 5000;

Result<void> as_result(const MessageView& message, Bytes request) {
  auto acknowledgement = parse_acknowledgement(message);
  if (!acknowledgement) return acknowledgement.error();
  if (acknowledgement.value().errno_value == 0) return {};
  struct nlmsghdr header = {};
  if (request.size() >= sizeof header) std::memcpy(&header, request.data(), sizeof header);
  // The name of the request, so that the error says what was refused.
  const char* name = message_name(header.nlmsg_type);
  return Error{acknowledgement.value().errno_value, name, {}, {}, explain(acknowledgement.value(), request)};
}

}  // namespace

Result<RouteSocket> RouteSocket::open() {
  auto fd = sys::open_route_socket(kTimeoutMs);
  if (!fd) return fd.error();
  return RouteSocket(std::move(fd).value());
}

Result<Bytes> RouteSocket::send(MessageBuilder& message) {
  Bytes bytes = message.finish(++sequence_);
  if (bytes.empty()) return Error{EMSGSIZE, message_name(message.type()), {}, {}, "a value is too long"};
  if (auto sent = sys::send_netlink(fd_.get(), bytes); !sent) return sent.error();
  return bytes;
}

Result<std::vector<MessageView>> RouteSocket::receive() {
  for (;;) {
    auto datagram = sys::receive_netlink(fd_.get(), buffer_);
    if (!datagram) return datagram.error();
    using Datagram = sys::NetlinkDatagram::Kind;
    if (datagram.value().kind == Datagram::kNothing) return Error{ETIMEDOUT, "recvmsg", {}, {}, "no answer from the kernel"};
    if (datagram.value().kind == Datagram::kOverrun) return Error{ENOBUFS, "recvmsg"};
    // Any process may send to our port; only the kernel is listened to.
    if (datagram.value().sender_port != 0) continue;
    if (datagram.value().is_truncated) return Error{EMSGSIZE, "recvmsg"};
    return split_messages(Bytes(buffer_).first(datagram.value().size));
  }
}

Result<void> RouteSocket::request(MessageBuilder& message) {
  auto sent = send(message);
  if (!sent) return sent.error();
  for (;;) {
    auto messages = receive();
    if (!messages) return messages.error();
    for (const MessageView& answer : messages.value()) {
      if (answer.sequence == sequence_ && answer.type == NLMSG_ERROR) return as_result(answer, sent.value());
    }
  }
}

Result<void> RouteSocket::query(MessageBuilder& message, const OnMessage& on_answer) {
  auto sent = send(message);
  if (!sent) return sent.error();
  for (;;) {
    auto messages = receive();
    if (!messages) return messages.error();
    for (const MessageView& answer : messages.value()) {
      if (answer.sequence != sequence_ || answer.type == NLMSG_NOOP) continue;
      return answer.type == NLMSG_ERROR ? as_result(answer, sent.value()) : on_answer(answer);
    }
  }
}

Result<void> RouteSocket::dump(const std::function<MessageBuilder()>& make_request, const std::function<void()>& start_over,
                               const OnMessage& on_message) {
  for (int attempt = 0; attempt < kMaxDumps; attempt++) {
    start_over();
    MessageBuilder message = make_request();
    auto sent = send(message);
    if (!sent) return sent.error();
    DumpCollector collector(sequence_, sent.value());
    parts_ = 0;
    bool has_objects = false;
    auto count = [&](const MessageView& object) {
      has_objects = true;
      return on_message(object);
    };
    for (auto state = DumpCollector::State::kMore; state == DumpCollector::State::kMore;) {
      auto messages = receive();
      if (!messages) return messages.error();
      has_objects = false;
      auto next = collector.add(messages.value(), count);
      if (!next) return next.error();
      if (has_objects) parts_++;
      state = next.value();
      if (state == DumpCollector::State::kDone) return {};
    }
  }
  return Error{EAGAIN, "netlink", {}, {}, "the dump was interrupted by changes every time"};
}

Result<DumpCollector::State> DumpCollector::add(const std::vector<MessageView>& messages,
                                                const RouteSocket::OnMessage& on_message) {
  for (const MessageView& message : messages) {
    if (message.sequence != sequence_) continue;
    if ((message.flags & NLM_F_DUMP_INTR) != 0) interrupted_ = true;
    if (message.type == NLMSG_ERROR || message.type == NLMSG_DONE) {
      if (auto ended = as_result(message, request_); !ended) return ended.error();
      return interrupted_ ? State::kInterrupted : State::kDone;
    }
    if (message.type == NLMSG_OVERRUN) return Error{ENOBUFS, "netlink"};
    if (message.type == NLMSG_NOOP) continue;
    if (auto taken = on_message(message); !taken) return taken.error();
  }
  return State::kMore;
}

}  // namespace talos::netlink
