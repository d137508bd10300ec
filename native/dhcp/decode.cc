#include <algorithm>

#include "dhcp/message.h"
#include "dhcp/names.h"
#include "dhcp/options.h"
#include "dhcp/wire.h"

namespace talos::dhcp {
namespace {

using namespace wire;

constexpr uint16_t kMinimumMtu = 68;
constexpr size_t kMaxText = 200;

// Not 0.0.0.0/8, loopback, multicast, or what is above it.
bool is_host(Ipv4 address) {
  const uint32_t first = address >> 24;
  return first != 0 && first != 127 && first < 224;
}

// Reads options into fields and remembers the first thing that is wrong.
class Reader {
 public:
  explicit Reader(const Options& options) : options_(options) {}

  void u8(uint8_t code, auto on_value) {
    if (const OptionValue* option = sized(code, 1)) on_value(option->bytes[0]);
  }
  void u16(uint8_t code, auto on_value) {
    if (const OptionValue* option = sized(code, 2)) on_value(read_u16(option->bytes, 0));
  }
  void u32(uint8_t code, auto on_value) {
    if (const OptionValue* option = sized(code, 4)) on_value(read_u32(option->bytes, 0));
  }

  void addresses(uint8_t code, std::vector<Ipv4>& list) {
    const OptionValue* option = options_.find(code);
    if (option == nullptr) return;
    if (option->bytes.size() % 4 != 0) return refuse(code, *option);
    for (size_t position = 0; position < option->bytes.size(); position += 4) {
      const Ipv4 address = read_u32(option->bytes, position);
      if (is_host(address)) list.push_back(address);
    }
  }

  void name(uint8_t code, std::string& text) {
    if (const OptionValue* option = options_.find(code)) text = to_name(option->bytes);
  }

  // RFC 3442: the length of the prefix, as many bytes of the destination as it needs, the router.
  void routes(std::optional<std::vector<Route>>& list) {
    const OptionValue* option = options_.find(kRoutes);
    if (option == nullptr) return;
    list.emplace();
    const Bytes bytes = option->bytes;
    for (size_t position = 0; position < bytes.size();) {
      const uint8_t length = bytes[position++];
      const size_t significant = (size_t{length} + 7) / 8;
      if (length > 32 || bytes.size() - position < significant + 4) return refuse(kRoutes, *option);
      Ipv4 destination = 0;
      for (size_t i = 0; i < significant; i++) destination |= static_cast<uint32_t>(bytes[position + i]) << (24 - 8 * i);
      // Bits beyond the prefix mean nothing.
      if (length < 32) destination &= ~(0xffffffffU >> length);
      const Ipv4 gateway = read_u32(bytes, position + significant);
      position += significant + 4;
      if (gateway == 0 || is_host(gateway)) list->push_back(Route{destination, length, gateway});
    }
  }

  void search_domains(std::vector<std::string>& list) {
    const OptionValue* option = options_.find(kSearchDomains);
    if (option == nullptr) return;
    auto domains = to_search_domains(*option);
    if (domains) {
      list = std::move(domains).value();
    } else if (!problem_) {
      problem_ = domains.error();
    }
  }

  void fail(Error error) {
    if (!problem_) problem_ = std::move(error);
  }
  void refuse(uint8_t code, const OptionValue& option) {
    fail(malformed("option " + std::to_string(code) + " has an impossible value", option.offset));
  }
  void refuse(uint8_t code) { refuse(code, *options_.find(code)); }

  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

 private:
  const OptionValue* sized(uint8_t code, size_t size) {
    const OptionValue* option = options_.find(code);
    if (option == nullptr || option->bytes.size() == size) return option;
    refuse(code, *option);
    return nullptr;
  }

  const Options& options_;
  std::optional<Error> problem_;
};

void read_type(Reader& read, ServerMessage& message) {
  bool is_there = false;
  read.u8(kMessageType, [&](uint8_t value) {
    is_there = true;
    message.type = static_cast<MessageType>(value);
    if (message.type != MessageType::kOffer && message.type != MessageType::kAck && message.type != MessageType::kNak) {
      read.fail(malformed("message type " + std::to_string(value) + " is none of a server's"));
    }
  });
  if (!is_there) read.fail(malformed("no message type"));
}

void read_options(Reader& read, const Options& options, ServerMessage& message) {
  read_type(read, message);
  read.u32(kServerId, [&](uint32_t value) { message.server_id = value; });
  read.u32(kLeaseTime, [&](uint32_t value) { message.lease_seconds = value; });
  read.u32(kRenewalTime, [&](uint32_t value) { message.renewal_seconds = value; });
  read.u32(kRebindingTime, [&](uint32_t value) { message.rebinding_seconds = value; });
  read.u32(kSubnetMask, [&](uint32_t mask) {
    // A contiguous mask, inverted, is 2^n - 1.
    const uint32_t inverted = ~mask;
    if ((inverted & (inverted + 1)) != 0 || mask == 0) return read.refuse(kSubnetMask);
    uint8_t length = 32;
    for (uint32_t rest = inverted; rest != 0; rest >>= 1) length--;
    message.prefix_length = length;
  });
  read.u16(kMtu, [&](uint16_t value) {
    if (value < kMinimumMtu) return read.refuse(kMtu);
    message.mtu = value;
  });
  read.addresses(kRouters, message.routers);
  read.routes(message.routes);
  read.addresses(kDnsServers, message.dns_servers);
  read.addresses(kNtpServers, message.ntp_servers);
  read.name(kDomain, message.domain);
  read.name(kHostname, message.hostname);
  read.search_domains(message.search_domains);
  if (const OptionValue* text = options.find(kText)) {
    for (uint8_t byte : Bytes(text->bytes).first(std::min(text->bytes.size(), kMaxText))) {
      message.text += byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '?';
    }
  }
}

}  // namespace

Result<ServerMessage> decode(Bytes payload, const Mac& mac) {
  if (payload.size() < kOptions) return malformed("a message of " + std::to_string(payload.size()) + " bytes is too short");
  if (payload[kOp] != kBootReply) return malformed("no reply", kOp);
  if (payload[kHardwareType] != kEthernet || payload[kHardwareLength] != mac.size()) {
    return malformed("not for Ethernet", kHardwareType);
  }
  if (!std::equal(mac.begin(), mac.end(), payload.begin() + kHardwareAddress)) {
    return malformed("for somebody else", kHardwareAddress);
  }
  if (read_u32(payload, kMagic) != kCookie) return malformed("no DHCP message", kMagic);
  auto options = Options::collect(payload);
  if (!options) return options.error();

  ServerMessage message;
  message.xid = read_u32(payload, kXid);
  Reader read(options.value());
  read_options(read, options.value(), message);
  if (read.problem()) return *read.problem();
  // RFC 2131, table 3: every reply names its server, and what gives an address says for how long.
  if (!is_host(message.server_id)) return malformed("no server identifier that could be a server's");
  if (message.type == MessageType::kNak) return message;
  message.your_address = read_u32(payload, kYourAddress);
  if (!is_host(message.your_address)) return malformed("an address that no host can have", kYourAddress);
  if (message.lease_seconds == 0) return malformed("no lease time");
  return message;
}

}  // namespace talos::dhcp
