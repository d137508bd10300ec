// One conversation with the kernel over NETLINK_ROUTE: requests with their acknowledgement, queries, dumps.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "netlink/message.h"

namespace talos::netlink {

// Not thread-safe. Every call sleeps for the kernel's lock on the network configuration (rtnl) if somebody holds it, and gives up
// (ETIMEDOUT) when no answer comes within 5 s of the request having been taken.
class RouteSocket {
 public:
  using OnMessage = std::function<Result<void>(const MessageView&)>;

  static Result<RouteSocket> open();
  // With a socket that the caller made: tests play the kernel at its other end.
  static RouteSocket over(UniqueFd fd) { return RouteSocket(std::move(fd)); }

  // Sends and waits for the acknowledgement. The kernel's refusal is an error whose detail holds its own words.
  Result<void> request(MessageBuilder& message);

  // Sends and hands over the one message that is the answer.
  Result<void> query(MessageBuilder& message, const OnMessage& on_answer);

  // Sends what `make_request` makes and hands every message of the answer over. If the kernel says that the dump is not
  // consistent (NLM_F_DUMP_INTR), `start_over` is called and the dump repeated, at most kMaxDumps times; then EAGAIN.
  Result<void> dump(const std::function<MessageBuilder()>& make_request, const std::function<void()>& start_over,
                    const OnMessage& on_message);
  // Datagrams with objects in which the last dump came.
  [[nodiscard]] size_t parts() const { return parts_; }

  static constexpr int kMaxDumps = 10;

  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  explicit RouteSocket(UniqueFd fd) : fd_(std::move(fd)), buffer_(kBufferBytes) {}

  // The kernel fills at most 32 KiB with one part of a dump, unless a reader once offered more.
  static constexpr size_t kBufferBytes = 64 * 1024;

  // Gives the bytes that were sent, which live as long as the message.
  Result<Bytes> send(MessageBuilder& message);
  // The next datagram of the kernel's, split. ETIMEDOUT if none comes.
  Result<std::vector<MessageView>> receive();

  UniqueFd fd_;
  std::vector<uint8_t> buffer_;
  size_t parts_ = 0;
  uint32_t sequence_ = 0;
};

// What came of the answer to one dump request. Separate from the socket so that it can be tested without one.
class DumpCollector {
 public:
  enum class State { kMore, kDone, kInterrupted };

  // `request`: the bytes that were sent, for the explanation of a refusal.
  DumpCollector(uint32_t sequence, Bytes request) : sequence_(sequence), request_(request) {}

  // Messages of another sequence number are answers to a request that was given up, and ignored.
  Result<State> add(const std::vector<MessageView>& messages, const RouteSocket::OnMessage& on_message);

 private:
  uint32_t sequence_;
  Bytes request_;
  bool interrupted_ = false;
};

}  // namespace talos::netlink
