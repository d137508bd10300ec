// The headers around a message of DHCP, and the kernel's view of our filter.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "base/unique_fd.h"
#include "dhcp/datagram.h"
#include "dhcp/filter.h"
#include "test/dhcp_message.h"
#include "test/tap.h"

namespace {

using namespace talos::dhcp;
using namespace talos::test;

Blob wrapped_reply(const Blob& payload) {
  Blob packet = wrap(payload, kServer, kAddress);
  // From 67 to 68; the sum stays what it was.
  std::swap(packet[21], packet[23]);
  return packet;
}

void wraps() {
  const Blob payload = {1, 2, 3};
  Blob packet = wrap(payload, kAddress, 0xffffffff);
  const Blob expected = {0x45, 0,   0,   31,  0, 0,  0, 0,  64, 17, 0x6e, 0xc0, 10, 0, 2, 15,
                         255,  255, 255, 255, 0, 68, 0, 67, 0,  11, 0xef, 0x40, 1,  2, 3};
  check(packet == expected, "headers with their sums, and an odd byte at the end");
  // A payload with which the sum comes out as 0, which has to be written as 0xffff.
  Blob zero = {0, 0};
  packet = wrap(zero, kAddress, kServer);
  const uint16_t sum = static_cast<uint16_t>(packet[26] << 8 | packet[27]);
  zero = {static_cast<uint8_t>(sum >> 8), static_cast<uint8_t>(sum)};
  packet = wrap(zero, kAddress, kServer);
  check(packet[26] == 0xff && packet[27] == 0xff, "a sum of zero is written as 0xffff");
  std::swap(packet[21], packet[23]);
  check(unwrap(packet, {}).ok());
}

void unwraps() {
  const Blob payload = {7, 8, 9, 10, 11};
  const Blob good = wrapped_reply(payload);
  auto inner = unwrap(good, {});
  check(inner.ok() && std::equal(payload.begin(), payload.end(), inner.value().begin(), inner.value().end()));
  Blob padded = good;
  padded.resize(46, 0xaa);
  inner = unwrap(padded, {});
  check(inner.ok() && inner.value().size() == payload.size(), "the padding of a short frame is no part of it");
  for (size_t size = 0; size < good.size(); size++) {
    if (unwrap(Bytes(good).first(size), {}).ok()) check(false, "a packet cut anywhere");
  }
  for (size_t bit = 0; bit < good.size() * 8; bit++) {
    Blob flipped = good;
    flipped[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    if (unwrap(flipped, {}).ok()) check(false, "bit " + std::to_string(bit) + " flipped and taken");
  }
  Blob unsummed = good;
  unsummed[26] = unsummed[27] = 0;
  check(unwrap(unsummed, {}).ok(), "a sum of zero means that there is none");
  Blob wrong = good;
  wrong[26] ^= 1;
  auto refused = unwrap(wrong, {});
  check(!refused && refused.error().detail == "a wrong UDP checksum at offset 26");
  check(unwrap(wrong, {.is_checksum_ready = false}).ok(), "a sum that the card was to compute is not looked at");
  check(!unwrap(good, {.vlan_id = 7}) && !unwrap(good, {.is_truncated = true}));

  // Changes that keep the sum of the IP header right.
  auto changed = [&](size_t offset, uint16_t value) {
    Blob bytes = good;
    auto read = [&](size_t at) { return static_cast<uint32_t>(bytes[at] << 8 | bytes[at + 1]); };
    auto write = [&](size_t at, uint32_t word) {
      bytes[at] = static_cast<uint8_t>(word >> 8);
      bytes[at + 1] = static_cast<uint8_t>(word);
    };
    uint32_t sum = read(10) + read(offset) + (0xffffU - value);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    write(offset, value);
    write(10, sum);
    auto result = unwrap(bytes, {});
    return result ? std::string("taken") : result.error().detail;
  };
  check_equal(changed(6, 0x2000), "a fragment at offset 6");
  check_equal(changed(6, 0x0001), "a fragment at offset 6");
  check_equal(changed(6, 0x4000), "taken", "do not fragment");
  check_equal(changed(8, 0x4006), "not UDP at offset 9");
  check_equal(changed(0, 0x4f00), "an impossible IP length at offset 2");
  check_equal(changed(0, 0x4400), "no IPv4 header at offset 0");
  check_equal(changed(0, 0x6500), "no IPv4 header at offset 0");
}

// The kernel runs the filter; a pair of local sockets shows it the same bytes as a packet socket would.
void filters() {
  int ends[2];
  if (!check(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0)) return;
  talos::UniqueFd sender(ends[0]);
  talos::UniqueFd receiver(ends[1]);
  auto code = reply_filter(kMac);
  struct sock_fprog program = {static_cast<unsigned short>(code.size()), code.data()};
  if (!check(::setsockopt(receiver.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0, "the kernel takes it"))
    return;
  auto passes = [&](const Blob& packet) {
    // A local socket says EPERM when the filter of the other side refuses.
    (void)!::write(sender.get(), packet.data(), packet.size());
    Blob buffer(2048);
    return ::read(receiver.get(), buffer.data(), buffer.size()) == static_cast<ssize_t>(packet.size());
  };
  const Blob good = wrapped_reply(reply({}));
  check(passes(good), "a reply to us");
  struct Change {
    size_t offset;
    uint8_t value;
    const char* what;
  };
  for (const Change& change : {Change{9, 6, "TCP"}, Change{7, 1, "a later fragment"}, Change{6, 0x20, "a first fragment"},
                               Change{23, 67, "another port"}, Change{28, 1, "a request"}, Change{28 + 28, 0, "somebody else's"},
                               Change{28 + 33, 0, "another's in the last byte"}}) {
    Blob other = good;
    other[change.offset] = change.value;
    check(!passes(other), change.what);
  }
  Blob with_options = good;
  with_options[0] = 0x46;
  with_options.insert(with_options.begin() + 20, {1, 1, 1, 0});
  check(passes(with_options), "IP options are stepped over");
  check(!passes(Blob(good.begin(), good.begin() + 40)) && !passes({1}), "what is too short");
}

void survives_damage() {
  const Blob packet = wrapped_reply(reply({3, 4, 10, 0, 2, 2}));
  auto view = [](const Blob& bytes) { return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()); };
  auto blob = [](std::string_view text) { return Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size()); };
  survive_damage(view(packet), [&](std::string_view text) { (void)unwrap(blob(text), {}).ok(); });
}

}  // namespace

int main() {
  wraps();
  unwraps();
  filters();
  survives_damage();
  return talos::test::finish();
}
