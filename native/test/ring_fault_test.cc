// What becomes of a ring and its log when the kernel has no memory or descriptors left.
#include <unistd.h>

#include "ring/log.h"
#include "sys/doorbell_calls.h"
#include "test/fault.h"
#include "test/ring_fixture.h"
#include "test/tap.h"

namespace {

using talos::Error;
using talos::UniqueFd;
using talos::ring::Log;
using talos::ring::Reader;
using talos::ring::Stream;
using talos::ring::Writer;
using talos::test::check;
using talos::test::check_equal;
using talos::test::fail_call;
using talos::test::fail_each;
using talos::test::kSmallRing;

const std::vector<int> kErrnos{ENOMEM, EMFILE, EINTR};

void makes_and_opens_rings() {
  fail_each([] { return Writer::create("fault", kSmallRing); }, kErrnos);
  auto writer = talos::test::make_writer();
  fail_each(
      [&writer]() -> std::optional<Error> {
        auto memory = talos::sys::duplicate_descriptor(writer.memory());
        if (!memory) return memory.error();
        auto reader = Reader::open(std::move(memory).value());
        return reader ? std::nullopt : std::optional(reader.error());
      },
      kErrnos);
  fail_call("memfd_create", 1, EINVAL);
  check(Writer::create("old-kernel", kSmallRing).ok(), "a kernel without MFD_NOEXEC_SEAL");
  fail_call("memfd_create", 1, EINVAL);
  fail_call("memfd_create", 2, EINVAL);
  check(!Writer::create("odd-kernel", kSmallRing).ok());
  check(talos::test::clear_faults());
}

// The reactor's thread only sleeps meanwhile: nothing is written to the pipes.
void subscribes_and_attaches() {
  auto log = std::move(Log::create("fault", kSmallRing)).value();
  fail_each(
      [&log]() -> std::optional<Error> {
        auto subscription = log->subscribe();
        if (!subscription) return subscription.error();
        log->unsubscribe(subscription.value().id);
        return std::nullopt;
      },
      kErrnos);
  {
    // So that the reactor's own descriptors are there.
    auto [reading, writing] = std::move(talos::sys::create_pipe()).value();
    check(log->attach(std::move(reading), Stream::kStdout).ok());
    log->close();
  }
  fail_each(
      []() -> std::optional<Error> {
        auto own = Log::create("attach", kSmallRing);
        if (!own) return own.error();
        auto pipe = talos::sys::create_pipe();
        if (!pipe) return pipe.error();
        auto attached = own.value()->attach(std::move(pipe.value().first), Stream::kStdout);
        own.value()->close();
        return attached ? std::nullopt : std::optional(attached.error());
      },
      // That the pipe keeps its size (the third fcntl), and that the descriptor is gone from the epoll already, is no failure.
      kErrnos, {{"fcntl"}, {"epoll_ctl"}});
  auto other = std::move(Log::create("attach", kSmallRing)).value();
  for (int nth : {1, 2}) {
    auto [reading, writing] = std::move(talos::sys::create_pipe()).value();
    fail_call("fcntl", nth, EBADF);
    auto attached = other->attach(std::move(reading), Stream::kStdout);
    check(!attached.ok() && attached.error().errno_value == EBADF, "a pipe that could block is not taken");
  }
  check_equal(other->open_pipes(), 0u);
  check(talos::test::clear_faults());
}

void rings_what_cannot_be_rung() {
  auto log = std::move(Log::create("bell", kSmallRing)).value();
  auto subscription = std::move(log->subscribe()).value();
  for (int errno_value : {EAGAIN, ECONNREFUSED, ENOBUFS, EPIPE}) {
    fail_call("send", 1, errno_value);
    log->write("not heard");
  }
  check(talos::test::clear_faults());
  check_equal(log->stats().records, 4u, "and still written");
  fail_call("getsockopt", 1, ENOTSOCK);
  check(!talos::sys::require_listener(subscription.doorbell.get()));
}

}  // namespace

int main() {
  makes_and_opens_rings();
  subscribes_and_attaches();
  rings_what_cannot_be_rung();
  return talos::test::finish();
}
