#include <algorithm>

#include "dhcp/message.h"
#include "dhcp/wire.h"

namespace talos::dhcp {
namespace {

using namespace wire;

// What we ask for. Classless routes come before the router, as RFC 3442 wants.
constexpr uint8_t kWanted[] = {kSubnetMask, kRoutes,     kRouters,     kDnsServers,    kHostname,     kDomain,
                               kMtu,        kNtpServers, kRenewalTime, kRebindingTime, kSearchDomains};

// An option has one byte for its length.
constexpr size_t kMaxOptionBytes = 255;

class OptionWriter {
 public:
  explicit OptionWriter(std::vector<uint8_t>& out) : out_(out) {}

  void bytes(uint8_t code, Bytes value) {
    const size_t length = std::min(value.size(), kMaxOptionBytes);
    out_.push_back(code);
    out_.push_back(static_cast<uint8_t>(length));
    out_.insert(out_.end(), value.begin(), value.begin() + static_cast<ptrdiff_t>(length));
  }
  void u8(uint8_t code, uint8_t value) { bytes(code, Bytes(&value, 1)); }
  void u16(uint8_t code, uint16_t value) {
    std::array<uint8_t, 2> field;
    write_u16(field, 0, value);
    bytes(code, field);
  }
  void address(uint8_t code, Ipv4 value) {
    std::array<uint8_t, 4> field;
    write_u32(field, 0, value);
    bytes(code, field);
  }

 private:
  std::vector<uint8_t>& out_;
};

}  // namespace

std::vector<uint8_t> encode(const ClientMessage& message) {
  std::vector<uint8_t> out(kOptions, 0);
  out[kOp] = kBootRequest;
  out[kHardwareType] = kEthernet;
  out[kHardwareLength] = static_cast<uint8_t>(message.mac.size());
  write_u32(out, kXid, message.xid);
  write_u16(out, kSeconds, message.seconds);
  // The broadcast flag stays off: a packet socket hears what is sent to an address that we do not have yet.
  write_u32(out, kClientAddress, message.client_address);
  std::copy(message.mac.begin(), message.mac.end(), out.begin() + kHardwareAddress);
  write_u32(out, kMagic, kCookie);

  OptionWriter options(out);
  options.u8(kMessageType, static_cast<uint8_t>(message.type));
  std::array<uint8_t, 7> client_id{kEthernet};
  std::copy(message.mac.begin(), message.mac.end(), client_id.begin() + 1);
  options.bytes(kClientId, client_id);
  if (message.requested_address) options.address(kRequestedAddress, *message.requested_address);
  if (message.server_id) options.address(kServerId, *message.server_id);
  if (message.type == MessageType::kDiscover || message.type == MessageType::kRequest) {
    options.u16(kMaxMessageBytes, message.max_message_bytes);
    options.bytes(kParameterList, kWanted);
    if (!message.hostname.empty()) {
      options.bytes(kHostname, Bytes(reinterpret_cast<const uint8_t*>(message.hostname.data()), message.hostname.size()));
    }
  }
  out.push_back(kEnd);
  if (out.size() < kMinimumBytes) out.resize(kMinimumBytes, kPad);
  return out;
}

}  // namespace talos::dhcp
