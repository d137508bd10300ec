// Conversations with the kernel: a test plays the kernel at the other end of a socket pair, or makes calls fail.
#include <arpa/inet.h>
#include <linux/neighbour.h>
#include <sched.h>
#include <sys/socket.h>

#include "netlink/dump.h"
#include "netlink/requests.h"
#include "netlink/route_socket.h"
#include "sys/netlink_calls.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using namespace talos::netlink;
using talos::Result;
using talos::UniqueFd;
using talos::test::check;
using talos::test::check_equal;

// Answers are put into the socket before the question comes: a kernel that knows it all.
class Kernel {
 public:
  Kernel() {
    int pair[2];
    // SOCK_SEQPACKET takes no notice of the address that messages to the kernel carry.
    check(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
    ours_ = UniqueFd(pair[0]);
    theirs_ = UniqueFd(pair[1]);
  }
  void answer(const std::string& datagram) { check(::send(ours_.get(), datagram.data(), datagram.size(), 0) != -1); }
  RouteSocket socket() { return RouteSocket::over(std::move(theirs_)); }

 private:
  UniqueFd ours_;
  UniqueFd theirs_;
};

std::string message(uint16_t type, uint16_t flags, uint32_t sequence, int status) {
  MessageBuilder builder(type, flags, status);
  Bytes bytes = builder.finish(sequence);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string acknowledgement(uint32_t sequence, int status) {
  struct nlmsgerr error = {};
  error.error = status;
  MessageBuilder builder(NLMSG_ERROR, NLM_F_CAPPED, error);
  Bytes bytes = builder.finish(sequence);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string rule(uint32_t sequence, uint32_t priority, uint16_t flags = 0) {
  struct fib_rule_hdr header = {};
  header.family = AF_INET;
  MessageBuilder builder(RTM_NEWRULE, NLM_F_MULTI | flags, header);
  builder.attribute(FRA_PRIORITY, priority);
  Bytes bytes = builder.finish(sequence);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

MessageBuilder request() { return MessageBuilder(RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_ACK, rtmsg{}); }

Result<void> list_rules(RouteSocket& socket, Batch& batch) {
  DumpQuery query;
  query.kind = Kind::kRule;
  query.family = AF_INET;
  return dump(socket, query, batch);
}

// Priorities are the sixth number behind the head, and there is one text length for each of four texts.
constexpr size_t kNumbersPerRule = 23;

void answers_of_another_question_are_passed_over() {
  Kernel kernel;
  kernel.answer(acknowledgement(7, -EPERM) + acknowledgement(0, -EPERM));
  kernel.answer(acknowledgement(1, -EEXIST));
  RouteSocket socket = kernel.socket();
  MessageBuilder question = request();
  auto answered = socket.request(question);
  check(!answered && answered.error().errno_value == EEXIST);
  check_equal(std::string_view(answered.error().syscall), "RTM_NEWROUTE");
}

void no_answer_is_an_error() {
  Kernel kernel;
  RouteSocket socket = kernel.socket();
  MessageBuilder question = request();
  auto answered = socket.request(question);
  check(!answered && answered.error().errno_value == ETIMEDOUT);
}

void malformed_answers_are_errors() {
  for (const std::string& bad : {std::string("cut"), message(NLMSG_ERROR, 0, 1, 5), std::string(16, '\xff')}) {
    Kernel kernel;
    kernel.answer(bad);
    RouteSocket socket = kernel.socket();
    MessageBuilder question = request();
    auto answered = socket.request(question);
    check(!answered && answered.error().errno_value == EBADMSG && !answered.error().detail.empty());
  }
  // A message that does not fit into the buffer.
  Kernel kernel;
  RouteSocket socket = kernel.socket();
  talos::test::answer_call("recvmsg", 1, talos::test::message_reply(acknowledgement(1, 0), MSG_TRUNC));
  MessageBuilder question = request();
  auto answered = socket.request(question);
  check(!answered && answered.error().errno_value == EMSGSIZE);
  check(talos::test::clear_faults());
}

std::string neighbour(uint32_t sequence, uint8_t last) {
  struct ndmsg header = {};
  header.ndm_family = AF_INET;
  header.ndm_ifindex = 2;
  MessageBuilder builder(RTM_NEWNEIGH, NLM_F_MULTI, header);
  builder.attribute(NDA_DST, htonl(0x0a000000U + last));
  Bytes bytes = builder.finish(sequence);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lists of neighbours in parts, each a datagram; their numbers.
Result<void> neighbours_of(const std::vector<std::vector<std::vector<uint8_t>>>& lists, Batch& batch, uint32_t& asked) {
  Kernel kernel;
  uint32_t sequence = 0;
  for (const auto& list : lists) {
    sequence++;
    for (const auto& part : list) {
      std::string datagram;
      for (uint8_t last : part) datagram += neighbour(sequence, last);
      kernel.answer(datagram);
    }
    kernel.answer(message(NLMSG_DONE, NLM_F_MULTI, sequence, 0));
  }
  RouteSocket socket = kernel.socket();
  asked = 0;
  talos::test::answer_always("sendto", [&asked](talos::test::Call& call) {
    asked++;
    return call.arguments[2];
  });
  auto done = dump(socket, {.kind = Kind::kNeighbour, .family = AF_INET}, batch);
  talos::test::clear_faults();
  return done;
}

void neighbours_in_parts_count_when_they_stay() {
  Batch batch;
  uint32_t asked = 0;
  check(neighbours_of({{{1, 2}}}, batch, asked).ok() && batch.texts() == "10.0.0.110.0.0.2");
  check_equal(asked, 1U, "one part is one moment");
  batch.clear();
  check(neighbours_of({{{1, 2}, {4}}, {{2, 3}, {4}}, {{2, 3}, {4}}}, batch, asked).ok());
  check_equal(asked, 3U);
  check(batch.texts() == "10.0.0.210.0.0.310.0.0.4", "only the last list");
  std::vector<std::vector<std::vector<uint8_t>>> restless;
  for (uint8_t list = 0; list < 10; list++) restless.push_back({{1}, {static_cast<uint8_t>(list + 2)}});
  batch.clear();
  auto done = neighbours_of(restless, batch, asked);
  check(!done && done.error().errno_value == EAGAIN && batch.is_empty());
}

void an_interrupted_dump_is_made_again() {
  Kernel kernel;
  kernel.answer(rule(1, 10) + rule(1, 11, NLM_F_DUMP_INTR));
  kernel.answer(message(NLMSG_DONE, NLM_F_MULTI, 1, 0));
  kernel.answer(rule(2, 20));
  kernel.answer(message(NLMSG_DONE, NLM_F_MULTI, 2, 0));
  RouteSocket socket = kernel.socket();
  Batch batch;
  check(list_rules(socket, batch).ok());
  check_equal(batch.numbers().size(), kNumbersPerRule, "nothing of the first attempt");
  check_equal(batch.numbers()[6], 20.0);
}

void a_dump_that_fails_leaves_nothing() {
  Kernel kernel;
  kernel.answer(rule(1, 10));
  kernel.answer(message(NLMSG_DONE, NLM_F_MULTI, 1, -ENOMEM));
  RouteSocket socket = kernel.socket();
  Batch batch;
  auto listed = list_rules(socket, batch);
  check(!listed && listed.error().errno_value == ENOMEM && batch.is_empty());

  Kernel again;
  for (uint32_t attempt = 1; attempt <= RouteSocket::kMaxDumps; attempt++) {
    again.answer(message(NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, attempt, 0));
  }
  RouteSocket other = again.socket();
  listed = list_rules(other, batch);
  check(!listed && listed.error().errno_value == EAGAIN && batch.is_empty());

  Kernel overrun;
  overrun.answer(message(NLMSG_OVERRUN, 0, 1, 0));
  RouteSocket third = overrun.socket();
  listed = list_rules(third, batch);
  check(!listed && listed.error().errno_value == ENOBUFS);
}

// Only root can send to other sockets of the protocol, but root is not the kernel.
void only_the_kernel_is_listened_to() {
  auto socket = RouteSocket::open();
  check(socket.ok());
  struct sockaddr_nl address = {};
  socklen_t size = sizeof address;
  check(::getsockname(socket.value().fd(), reinterpret_cast<struct sockaddr*>(&address), &size) == 0);
  UniqueFd stranger(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  std::string forged = acknowledgement(1, -EXDEV);
  check(::sendto(stranger.get(), forged.data(), forged.size(), 0, reinterpret_cast<struct sockaddr*>(&address), size) != -1,
        "sends to us (needs CAP_NET_ADMIN)");
  MessageBuilder question = build_link_removal(4711);
  auto answered = socket.value().request(question);
  check(!answered && answered.error().errno_value == ENODEV, "the kernel's own answer");
}

void every_call_may_fail() {
  const std::vector<int> errnos = {EMFILE, ENOMEM, EINTR, EPERM};
  talos::test::fail_each([] { return change_link(1, {.is_up = true}); }, errnos);
  talos::test::fail_each([] { return change_address(Change::kReplace, {.index = 1, .address = "10.9.0.1/24"}); }, errnos);
  talos::test::fail_each(
      []() -> Result<void> {
        Batch batch;
        return find_link(1, {}, batch);
      },
      errnos);
  for (Kind kind : kAllKinds) {
    talos::test::fail_each(
        [kind]() -> Result<void> {
          auto socket = RouteSocket::open();
          if (!socket) return socket.error();
          Batch batch;
          DumpQuery query;
          query.kind = kind;
          return dump(socket.value(), query, batch);
        },
        errnos);
  }
  // The link is there when it cannot be found afterwards: it has to go before the next round.
  talos::test::fail_each(
      []() -> std::optional<talos::Error> {
        auto added = add_link({.kind = "bridge", .settings = {.name = "bridge0"}});
        talos::test::FaultsPaused paused;
        Batch batch;
        if (find_link(0, "bridge0", batch)) (void)remove_link(static_cast<uint32_t>(batch.numbers()[1]));
        return added ? std::nullopt : std::optional(added.error());
      },
      errnos);
}

}  // namespace

int main() {
  answers_of_another_question_are_passed_over();
  no_answer_is_an_error();
  malformed_answers_are_errors();
  neighbours_in_parts_count_when_they_stay();
  an_interrupted_dump_is_made_again();
  a_dump_that_fails_leaves_nothing();
  only_the_kernel_is_listened_to();
  if (!check(::unshare(CLONE_NEWNET) == 0, "a network of its own (needs root)")) return talos::test::finish();
  every_call_may_fail();
  return talos::test::finish();
}
