// Events without a gap: uevents and subscriptions, when the kernel drops some, when others send, and when calls fail.
#include <sched.h>
#include <sys/socket.h>

#include <functional>

#include "netlink/interface_address.h"
#include "netlink/requests.h"
#include "netlink/subscription.h"
#include "netlink/uevent.h"
#include "sys/netlink_calls.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using namespace std::string_view_literals;
using namespace talos::netlink;
using talos::Result;
using talos::test::check;
using talos::test::check_equal;

constexpr std::string_view kUevent =
    "add@/devices/x/net/eth0\0ACTION=add\0DEVPATH=/devices/x/net/eth0\0SUBSYSTEM=net\0EMPTY=\0A=b=c\0"sv;

void parses_uevents() {
  auto event = parse_uevent(kUevent);
  check(event.has_value());
  check_equal(event->action, "add");
  check_equal(event->devpath, "/devices/x/net/eth0");
  check_equal(event->subsystem, "net");
  check_equal(event->properties.size(), 5u);
  check_equal(event->properties[3].second, "");
  check_equal(event->properties[4].second, "b=c");
  check(!parse_uevent("libudev\0\xfe\xed\xca\xfe"sv), "a message of udev");
  for (std::string_view bad :
       {""sv, "add@/x"sv, "@/x\0"sv, "add@x\0"sv, "add@\0"sv, "add@/x\0NOEQUALS\0"sv, "add@/x\0=v\0"sv, "add@/x\0CUT=of"sv}) {
    check(!parse_uevent(bad), bad.data());
  }
}

// Any process with the right may send to the group of the kernel; what it sends must not be taken for the kernel's.
void hears_the_kernel_only() {
  auto monitor = UeventSocket::open();
  check(monitor.ok(), "opens a monitor");
  talos::UniqueFd sender(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT));
  struct sockaddr_nl group = {};
  group.nl_family = AF_NETLINK;
  group.nl_groups = 1;
  auto* address = reinterpret_cast<struct sockaddr*>(&group);
  auto sent = ::sendto(sender.get(), kUevent.data(), kUevent.size(), 0, address, sizeof group);
  check(sent == static_cast<ssize_t>(kUevent.size()), "sends a forged event (needs CAP_NET_ADMIN)");
  for (;;) {
    auto outcome = monitor.value().receive();
    if (!check(outcome.ok()) || std::holds_alternative<NoUevent>(outcome.value())) break;
    // The machine may have events of its own meanwhile.
    auto* event = std::get_if<Uevent>(&outcome.value());
    check(event == nullptr || event->devpath != "/devices/x/net/eth0", "the forged event was taken");
  }
}

std::string kernel_uevent(std::string_view devpath) {
  std::string text = "add@" + std::string(devpath);
  text += '\0';
  return text;
}

// What the kernel does after an overrun: it drops everything until the queue has been emptied, and says ENOBUFS once.
void tells_of_an_overrun_when_the_queue_is_empty() {
  auto socket = UeventSocket::open(4096);
  check(socket.ok());
  talos::test::fail_call("recvmsg", 1, ENOBUFS);
  talos::test::answer_call("recvmsg", 2, talos::test::message_reply(kernel_uevent("/queued/before")));
  talos::test::fail_call("recvmsg", 3, EINTR);
  talos::test::fail_call("recvmsg", 4, EAGAIN);
  talos::test::fail_call("recvmsg", 5, EAGAIN);
  auto first = socket.value().receive();
  check(first.ok() && std::holds_alternative<Uevent>(first.value()), "what was queued comes first");
  auto second = socket.value().receive();
  check(second.ok() && std::holds_alternative<UeventOverrun>(second.value()), "then that some are lost");
  auto third = socket.value().receive();
  check(third.ok() && std::holds_alternative<NoUevent>(third.value()), "once");
  check(talos::test::clear_faults());

  // A storm that never lets the queue run empty does not keep it back for ever.
  talos::test::fail_call("recvmsg", 1, ENOBUFS);
  talos::test::answer_always("recvmsg", talos::test::message_reply(kernel_uevent("/storm")));
  int events = 0;
  for (; events < 100'000; events++) {
    auto outcome = socket.value().receive();
    if (!outcome || !std::holds_alternative<Uevent>(outcome.value())) break;
  }
  check(events > 4096 / 256 && events < 1000, std::to_string(events));
  (void)talos::test::clear_faults();

  for (auto reply : {talos::test::message_reply(kernel_uevent("/cut"), MSG_TRUNC), talos::test::message_reply("no uevent")}) {
    talos::test::answer_call("recvmsg", 1, reply);
    auto outcome = socket.value().receive();
    check(outcome.ok() && std::holds_alternative<UeventOverrun>(outcome.value()), "one that cannot be read is lost");
    check(talos::test::clear_faults());
  }
}

bool run(const char* command) { return check(std::system(command) == 0, command); }

Kinds all_kinds() {
  Kinds kinds;
  for (Kind kind : kAllKinds) kinds.add(kind);
  return kinds;
}

// The heads of resyncs in a batch are followed by kinds and cause.
struct Heads {
  int resyncs = 0;
  double last_cause = -1;
};

Heads resyncs_in(const Batch& batch) {
  Heads heads;
  double head = record_head(Kind::kLink, What::kResync);
  // Only looked for at the front: a resync is alone in its batch here.
  if (!batch.is_empty() && batch.numbers()[0] == head) heads = {1, batch.numbers()[2]};
  return heads;
}

// Receives until nothing more is there.
Batch settle(Subscription& subscription) {
  Batch batch;
  for (int round = 0; round < 100; round++) {
    auto outcome = subscription.receive(batch);
    if (!check(outcome.ok())) break;
    if (outcome.value() == Subscription::Outcome::kEmpty) break;
  }
  return batch;
}

void begins_with_a_list() {
  auto subscription = Subscription::open(all_kinds(), 1 << 20);
  check(subscription.ok());
  Batch batch = settle(subscription.value());
  check_equal(resyncs_in(batch).resyncs, 1);
  check_equal(resyncs_in(batch).last_cause, static_cast<double>(ResyncCause::kStart));
  check(settle(subscription.value()).is_empty(), "and nothing else happens");
  run("ip address add 10.9.0.1/24 dev lo && ip address del 10.9.0.1/24 dev lo");
  check(!settle(subscription.value()).is_empty());
}

void lists_again_what_was_lost() {
  Kinds kinds;
  kinds.add(Kind::kAddress);
  for (auto disturb : {+[] { talos::test::fail_call("recvmsg", 1, ENOBUFS); },
                       +[] { talos::test::answer_call("recvmsg", 1, talos::test::message_reply("cut off", MSG_TRUNC)); },
                       +[] { talos::test::answer_call("recvmsg", 1, talos::test::message_reply("no message")); }}) {
    auto subscription = Subscription::open(kinds, 1 << 20);
    (void)settle(subscription.value());
    disturb();
    Batch batch = settle(subscription.value());
    check_equal(resyncs_in(batch).last_cause, static_cast<double>(ResyncCause::kOverrun));
    check(talos::test::clear_faults());
  }
}

void believes_the_kernel_only() {
  Kinds kinds;
  kinds.add(Kind::kRule);
  auto subscription = Subscription::open(kinds, 1 << 20);
  (void)settle(subscription.value());
  struct sockaddr_nl somebody = {};
  somebody.nl_family = AF_NETLINK;
  somebody.nl_pid = 4711;
  std::string address(reinterpret_cast<const char*>(&somebody), sizeof somebody);
  talos::test::answer_call("recvmsg", 1, talos::test::message_reply("forged", 0, address));
  check(settle(subscription.value()).is_empty(), "neither an event nor a loss");
  check(talos::test::clear_faults());
}

void a_dump_that_never_succeeds_is_tried_again() {
  Kinds kinds;
  kinds.add(Kind::kRule);
  auto subscription = Subscription::open(kinds, 1 << 20);
  // Every answer to a request is interrupted; the socket of events has nothing.
  talos::test::answer_always("recvmsg", [](talos::test::Call& call) {
    long result = call.pass();
    auto* header = call.pointer<struct msghdr>(1);
    if (result > 0) static_cast<struct nlmsghdr*>(header->msg_iov[0].iov_base)->nlmsg_flags |= NLM_F_DUMP_INTR;
    return result;
  });
  Batch batch;
  auto outcome = subscription.value().receive(batch);
  check(outcome.ok() && outcome.value() == Subscription::Outcome::kMore && batch.is_empty(), "later, with nothing half done");
  (void)talos::test::clear_faults();
  check_equal(resyncs_in(settle(subscription.value())).resyncs, 1);
}

void every_call_may_fail() {
  Kinds kinds = all_kinds();
  // A buffer beyond the limit is asked for first, and what the limit allows if that fails.
  const std::vector<talos::test::Tolerated> tolerated = {{"setsockopt", 0}, {"recvmsg", EAGAIN}, {"recvmsg", ENOBUFS}};
  talos::test::fail_each([&] { return Subscription::open(kinds, 4096); }, {EMFILE, ENOMEM, EINTR}, tolerated);
  talos::test::fail_each([] { return UeventSocket::open(); }, {EMFILE, ENOMEM, EINTR}, tolerated);
  talos::test::fail_each(
      [&]() -> Result<int> {
        auto subscription = Subscription::open(kinds, 4096);
        if (!subscription) return subscription.error();
        Batch batch;
        auto outcome = subscription.value().receive(batch);
        if (!outcome) return outcome.error();
        return 0;
      },
      {EMFILE, ENOMEM, EINTR}, tolerated);
}

}  // namespace

int main() {
  parses_uevents();
  hears_the_kernel_only();
  tells_of_an_overrun_when_the_queue_is_empty();
  talos::test::survive_damage(kUevent, [](std::string_view text) { (void)parse_uevent(text); });
  if (!check(::unshare(CLONE_NEWNET) == 0, "a network of its own (needs root)")) return talos::test::finish();
  run("ip link set lo up");
  begins_with_a_list();
  lists_again_what_was_lost();
  believes_the_kernel_only();
  a_dump_that_never_succeeds_is_tried_again();
  every_call_may_fail();
  return talos::test::finish();
}
