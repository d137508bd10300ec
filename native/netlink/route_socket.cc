#include "netlink/route_socket.h"

#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

constexpr int kTimeoutMs = 5000;

// The name of the request, so that the error says what was refused.
const char* request_name(uint16_t type) {
  switch (type) {
    case RTM_GETLINK:
      return "RTM_GETLINK";
    case RTM_NEWLINK:
      return "RTM_NEWLINK";
    case RTM_NEWADDR:
      return "RTM_NEWADDR";
    case RTM_NEWROUTE:
      return "RTM_NEWROUTE";
    default:
      return "netlink";
  }
}

Result<void> as_result(const MessageView& message, uint16_t request_type) {
  auto acknowledgement = parse_acknowledgement(message);
  if (!acknowledgement) return acknowledgement.error();
  if (acknowledgement.value().errno_value == 0) return {};
  return Error{acknowledgement.value().errno_value, request_name(request_type), {}, {}, acknowledgement.value().text};
}

}  // namespace

Result<RouteSocket> RouteSocket::open() {
  auto fd = sys::open_route_socket(kTimeoutMs);
  if (!fd) return fd.error();
  return RouteSocket(std::move(fd).value());
}

Result<std::vector<MessageView>> RouteSocket::receive() {
  for (;;) {
    auto datagram = sys::receive_netlink(fd_.get(), buffer_);
    if (!datagram) return datagram.error();
    using Kind = sys::NetlinkDatagram::Kind;
    if (datagram.value().kind == Kind::kNothing) return Error{ETIMEDOUT, "recvmsg", {}, {}, "no answer from the kernel"};
    if (datagram.value().kind == Kind::kOverrun) return Error{ENOBUFS, "recvmsg"};
    // Any process may send to our port; only the kernel is listened to.
    if (datagram.value().sender_port != 0) continue;
    if (datagram.value().is_truncated) return Error{EMSGSIZE, "recvmsg"};
    return split_messages(Bytes(buffer_).first(datagram.value().size));
  }
}

Result<void> RouteSocket::request(MessageBuilder& message) {
  uint32_t sequence = ++sequence_;
  if (auto sent = sys::send_netlink(fd_.get(), message.finish(sequence)); !sent) return sent;
  for (;;) {
    auto messages = receive();
    if (!messages) return messages.error();
    for (const MessageView& answer : messages.value()) {
      if (answer.sequence == sequence && answer.type == NLMSG_ERROR) return as_result(answer, message.type());
    }
  }
}

Result<void> RouteSocket::dump(const std::function<MessageBuilder()>& make_request, const std::function<void()>& start_over,
                               const std::function<Result<void>(const MessageView&)>& on_message) {
  for (int attempt = 0; attempt < kMaxDumps; attempt++) {
    start_over();
    MessageBuilder message = make_request();
    uint32_t sequence = ++sequence_;
    if (auto sent = sys::send_netlink(fd_.get(), message.finish(sequence)); !sent) return sent;
    DumpCollector collector(sequence, message.type());
    for (auto state = DumpCollector::State::kMore; state == DumpCollector::State::kMore;) {
      auto messages = receive();
      if (!messages) return messages.error();
      auto next = collector.add(messages.value(), on_message);
      if (!next) return next.error();
      state = next.value();
      if (state == DumpCollector::State::kDone) return {};
    }
  }
  return Error{EAGAIN, "netlink", {}, {}, "the dump was interrupted by changes every time"};
}

Result<DumpCollector::State> DumpCollector::add(const std::vector<MessageView>& messages,
                                                const std::function<Result<void>(const MessageView&)>& on_message) {
  for (const MessageView& message : messages) {
    if (message.sequence != sequence_) continue;
    if ((message.flags & NLM_F_DUMP_INTR) != 0) interrupted_ = true;
    if (message.type == NLMSG_ERROR || message.type == NLMSG_DONE) {
      if (auto ended = as_result(message, request_type_); !ended) return ended.error();
      return interrupted_ ? State::kInterrupted : State::kDone;
    }
    if (message.type == NLMSG_OVERRUN) return Error{ENOBUFS, "netlink"};
    if (message.type == NLMSG_NOOP) continue;
    if (auto taken = on_message(message); !taken) return taken.error();
  }
  return State::kMore;
}

}  // namespace talos::netlink
