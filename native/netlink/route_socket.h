// One conversation with the kernel over NETLINK_ROUTE: requests with their acknowledgement, dumps.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "netlink/message.h"

namespace talos::netlink {

class RouteSocket {
 public:
  static Result<RouteSocket> open();

  // Sends and waits for the acknowledgement. The kernel's refusal is an error whose detail holds its own words.
  Result<void> request(MessageBuilder& message);

  // Sends what `make_request` makes and hands every message of the answer over. If the kernel says that the dump is not
  // consistent (NLM_F_DUMP_INTR), `start_over` is called and the dump repeated, at most kMaxDumps times.
  Result<void> dump(const std::function<MessageBuilder()>& make_request, const std::function<void()>& start_over,
                    const std::function<Result<void>(const MessageView&)>& on_message);

  static constexpr int kMaxDumps = 10;

 private:
  explicit RouteSocket(UniqueFd fd) : fd_(std::move(fd)), buffer_(kBufferBytes) {}

  // The kernel fills at most 32 KiB with one part of a dump, unless a reader once offered more.
  static constexpr size_t kBufferBytes = 64 * 1024;

  // The next datagram of the kernel's, split. ETIMEDOUT if none comes.
  Result<std::vector<MessageView>> receive();

  UniqueFd fd_;
  std::vector<uint8_t> buffer_;
  uint32_t sequence_ = 0;
};

// What came of the answer to one dump request. Separate from the socket so that it can be tested without one.
class DumpCollector {
 public:
  enum class State { kMore, kDone, kInterrupted };

  DumpCollector(uint32_t sequence, uint16_t request_type) : sequence_(sequence), request_type_(request_type) {}

  // Messages of another sequence number are answers to a request that was given up, and ignored.
  Result<State> add(const std::vector<MessageView>& messages, const std::function<Result<void>(const MessageView&)>& on_message);

 private:
  uint32_t sequence_;
  uint16_t request_type_;
  bool interrupted_ = false;
};

}  // namespace talos::netlink
