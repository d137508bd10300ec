#include "dhcp/filter.h"

#include <utility>

#include "dhcp/wire.h"

namespace talos::dhcp {
namespace {

using namespace wire;

constexpr uint32_t kIpFragment = 6;
constexpr uint32_t kIpProtocol = 9;
constexpr uint32_t kProtocolUdp = 17;
// Behind the IP header, whose length is in X.
constexpr uint32_t kDestinationPort = 2;
constexpr uint32_t kPayload = 8;

class Program {
 public:
  void load(uint16_t how, uint32_t where) { code_.push_back(sock_filter{static_cast<uint16_t>(BPF_LD | how), 0, 0, where}); }
  void load_header_length() { code_.push_back(sock_filter{BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0}); }
  // Goes on when the value is that, and to the end otherwise.
  void require(uint32_t value) { jump(BPF_JEQ, value, true); }
  void refuse(uint32_t value) { jump(BPF_JEQ, value, false); }
  void refuse_bits(uint32_t bits) { jump(BPF_JSET, bits, false); }

  std::vector<sock_filter> finish() {
    code_.push_back(sock_filter{BPF_RET | BPF_K, 0, 0, 0xffffffff});
    code_.push_back(sock_filter{BPF_RET | BPF_K, 0, 0, 0});
    // Both kinds of jumps lead to the end, which drops the packet; distances count from the instruction behind the jump.
    for (const auto& [position, goes_on_if_true] : jumps_) {
      const auto distance = static_cast<uint8_t>(code_.size() - 2 - position);
      (goes_on_if_true ? code_[position].jf : code_[position].jt) = distance;
    }
    return std::move(code_);
  }

 private:
  void jump(uint16_t test, uint32_t value, bool goes_on_if_true) {
    jumps_.emplace_back(code_.size(), goes_on_if_true);
    code_.push_back(sock_filter{static_cast<uint16_t>(BPF_JMP | test | BPF_K), 0, 0, value});
  }

  std::vector<sock_filter> code_;
  std::vector<std::pair<size_t, bool>> jumps_;
};

}  // namespace

std::vector<sock_filter> reply_filter(const Mac& mac) {
  Program program;
  // Frames for other stations come by on a promiscuous interface, and those of VLANs that are not set up.
  program.load(BPF_B | BPF_ABS, static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE));
  program.refuse(PACKET_OTHERHOST);
  program.load(BPF_B | BPF_ABS, kIpProtocol);
  program.require(kProtocolUdp);
  program.load(BPF_H | BPF_ABS, kIpFragment);
  program.refuse_bits(0x3fff);
  program.load_header_length();
  program.load(BPF_H | BPF_IND, kDestinationPort);
  program.require(kClientPort);
  program.load(BPF_B | BPF_IND, kPayload + kOp);
  program.require(kBootReply);
  program.load(BPF_W | BPF_IND, kPayload + kHardwareAddress);
  program.require(read_u32(mac, 0));
  program.load(BPF_H | BPF_IND, kPayload + kHardwareAddress + 4);
  program.require(read_u16(mac, 4));
  return program.finish();
}

}  // namespace talos::dhcp
