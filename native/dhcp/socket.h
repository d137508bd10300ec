// A DHCP client's ear and mouth on one interface.
#pragma once

#include <string>
#include <variant>

#include "base/unique_fd.h"
#include "dhcp/message.h"

namespace talos::dhcp {

struct NoMessage {};
// Something passed the filter that is no message of a DHCP server to us.
struct Rejected {
  std::string why;
};
using Outcome = std::variant<NoMessage, Rejected, ServerMessage>;

// Not thread-safe. Needs CAP_NET_RAW, but not CAP_NET_BIND_SERVICE: no socket is bound to port 68. A packet socket hears the
// answers, also those to an address that the interface does not have yet; what goes to one server leaves as a whole IP packet by
// a raw socket, so that the kernel finds the way. The price: the kernel answers a unicast reply with "port unreachable", which
// servers do not mind.
class DhcpSocket {
 public:
  // ENODEV for an interface that is not there; its link need not be up.
  static Result<DhcpSocket> open(uint32_t interface_index, const Mac& mac);

  // `source` is 0 as long as the client has no address. ENETDOWN while the interface is down.
  Result<void> broadcast(const ClientMessage& message, Ipv4 source);
  // By the routes of the interface; a server that none of them leads to is looked for on the link. ENETDOWN.
  Result<void> unicast(const ClientMessage& message, Ipv4 source, Ipv4 destination);
  // Never blocks.
  Result<Outcome> receive();
  [[nodiscard]] int fd() const { return packets_.get(); }

 private:
  DhcpSocket(uint32_t interface_index, const Mac& mac, UniqueFd packets, UniqueFd ip)
      : interface_index_(interface_index), mac_(mac), packets_(std::move(packets)), ip_(std::move(ip)) {}

  uint32_t interface_index_;
  Mac mac_;
  UniqueFd packets_;
  UniqueFd ip_;
};

}  // namespace talos::dhcp
