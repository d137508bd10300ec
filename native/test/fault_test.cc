// The fault seam itself: that calls fail, fall short and answer as they are told, and that fail_each() notices what is wrong.
#include "test/fault.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "base/unique_fd.h"
#include "sys/cgroup_calls.h"
#include "sys/descriptor_calls.h"
#include "test/tap.h"

namespace {

using talos::Error;
using talos::Result;
using talos::UniqueFd;
using namespace talos::test;

int open_null() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

void fails_the_nth_call_once() {
  fail_call("open", 2, EMFILE);
  UniqueFd first(open_null());
  UniqueFd second(open_null());
  check_equal(errno, EMFILE);
  UniqueFd third(open_null());
  check(first.is_open() && !second.is_open() && third.is_open());
  check(clear_faults());
}

void tells_what_was_not_reached() {
  fail_call("open", 1, EMFILE);
  check(!clear_faults());
  UniqueFd fd(open_null());
  check(fd.is_open(), "nothing is left behind");
}

void addresses_raw_calls_by_name() {
  fail_always("openat2", ENOSYS);
  for (int round = 0; round < 2; round++) {
    auto folder = talos::sys::open_directory_beneath(AT_FDCWD, "x", true);
    check(!folder && folder.error().errno_value == ENOSYS && std::string_view(folder.error().syscall) == "openat2");
  }
  check(clear_faults());
  check_equal(calls_of([] { (void)::syscall(SYS_close, -1); }).at(0), "close");
}

void shortens_and_scripts() {
  auto pipe = talos::sys::create_pipe();
  check(pipe.ok());
  auto& [reader, writer] = pipe.value();
  check_equal(::write(writer.get(), "abcdef", 6), 6);
  char buffer[16];
  shorten_call("read", 1, 2);
  check_equal(::read(reader.get(), buffer, sizeof buffer), 2);
  check_equal(::read(reader.get(), buffer, sizeof buffer), 4);
  answer_call("read", 1, bytes_reply("scripted"));
  check_equal(::read(reader.get(), buffer, sizeof buffer), 8);
  check_equal(std::string_view(buffer, 8), "scripted");
  answer_call("recvmsg", 1, message_reply("0123456789", MSG_TRUNC));
  iovec part{buffer, 4};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  check_equal(::recvmsg(-1, &header, 0), 4);
  check_equal(header.msg_flags, static_cast<int>(MSG_TRUNC));
  check(clear_faults());
}

void reaches_other_threads() {
  fail_call("open", 1, ENFILE);
  int error = 0;
  std::thread([&] { error = open_null() == -1 ? errno : 0; }).join();
  check_equal(error, ENFILE);
}

void leaves_a_failed_close_closed() {
  size_t before = open_descriptors();
  int fd = open_null();
  fail_call("close", 1, EINTR);
  check_equal(::close(fd), -1);
  check_equal(open_descriptors(), before);
}

// fail_each() on code that is wrong: how many of its checks fail.
template <typename Scenario>
int failures_of(Scenario scenario, std::vector<int> errnos) {
  int done = checks_done;
  int failed = checks_failed;
  std::fflush(stdout);
  // Its report would be taken for this program's own.
  UniqueFd output(::dup(STDOUT_FILENO));
  UniqueFd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  ::dup2(nowhere.get(), STDOUT_FILENO);
  fail_each(scenario, errnos);
  std::fflush(stdout);
  ::dup2(output.get(), STDOUT_FILENO);
  int found = checks_failed - failed;
  checks_done = done;
  checks_failed = failed;
  return found;
}

void notices_what_is_wrong() {
  auto right = []() -> Result<UniqueFd> {
    UniqueFd fd(open_null());
    if (!fd) return talos::last_error("open");
    return fd;
  };
  check_equal(failures_of(right, {EMFILE, ENOMEM}), 0);
  auto ignores = []() -> Result<void> {
    UniqueFd fd(open_null());
    return {};
  };
  check_equal(failures_of(ignores, {EMFILE}), 1, "a failure that is taken for success");
  auto wrong_name = []() -> Result<void> {
    UniqueFd fd(open_null());
    if (!fd) return talos::last_error("socket");
    return {};
  };
  check_equal(failures_of(wrong_name, {EMFILE}), 1, "an error that names another call");
  auto leaks = []() -> Result<void> {
    int fd = open_null();
    if (fd == -1) return talos::last_error("open");
    int flags = ::fcntl(fd, F_GETFL);
    if (flags == -1) return talos::last_error("fcntl");
    ::close(fd);
    return {};
  };
  check_equal(failures_of(leaks, {EINVAL}), 1, "a descriptor that stays open");
  auto restarts = []() -> Result<void> {
    int fd;
    do {
      fd = open_null();
    } while (fd == -1 && errno == EINTR);
    UniqueFd owned(fd);
    if (!owned) return talos::last_error("open");
    return {};
  };
  check_equal(failures_of(restarts, {EINTR, EMFILE}), 0, "EINTR may be answered by another try");
}

}  // namespace

int main() {
  fails_the_nth_call_once();
  tells_what_was_not_reached();
  addresses_raw_calls_by_name();
  shortens_and_scripts();
  reaches_other_threads();
  leaves_a_failed_close_closed();
  notices_what_is_wrong();
  return finish();
}
