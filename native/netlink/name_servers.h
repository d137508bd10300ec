// Name servers in router advertisements: the RDNSS option (RFC 8106, section 5.1). The kernel makes no use of it and keeps none
// of it; it passes each on, when it comes, to whoever listens (RTM_NEWNDUSEROPT), and only from interfaces whose advertisements
// it takes. It has checked that the advertisement is one: hop limit, checksum, a link-local source. Source: net/ipv6/ndisc.c.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "netlink/address.h"
#include "netlink/batch.h"
#include "netlink/message.h"

namespace talos::netlink {

struct NameServers {
  uint32_t index = 0;
  IpAddress router{};
  // From now on; 0: not to be asked any more, all bits: for ever.
  uint32_t lifetime_seconds = 0;
  // At most 127. What is no address of a server is the caller's to refuse.
  std::vector<IpAddress> servers{};
};

// Nothing for other options and for what is malformed, which RFC 8106 wants ignored. Pure.
std::optional<NameServers> parse_name_servers(const MessageView& message);

// A record begins with one of these.
constexpr double kLossRecord = 0;
constexpr double kNameServersRecord = 1;
void write(Batch& batch, const NameServers& name_servers);

// Not thread-safe.
class NameServerSocket {
 public:
  enum class Outcome {
    kEmpty,  // wait for the descriptor
    kMore    // call again, when others had their turn
  };

  static Result<NameServerSocket> open();

  // Appends a record for each option that has come, of at most kBatchMessages messages, and never waits. After an overrun the
  // kernel drops everything until the queue has been emptied, so the loss is told then.
  Result<Outcome> receive(Batch& batch);

  [[nodiscard]] int fd() const { return fd_.get(); }

  static constexpr int kBatchMessages = 64;

 private:
  explicit NameServerSocket(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
  bool has_lost_ = false;
};

}  // namespace talos::netlink
