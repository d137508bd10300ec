// The kernel log when the device fails, overruns or sends signals in between; the device itself is scripted.
#include <fcntl.h>

#include "kmsg/reader.h"
#include "sys/kmsg_calls.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using namespace talos;
using namespace talos::test;

// /dev/kmsg is not everywhere; /dev/null can be opened and sought.
void open_null_instead() {
  answer_always("open", [](Call& call) { return static_cast<long>(::open("/dev/null", call.number(1))); });
}

void opens_or_says_why_not() {
  open_null_instead();
  const std::vector<int> errnos = {EINTR, ENOMEM, EMFILE, EPERM};
  fail_each([] { return sys::open_kmsg_reader(sys::KmsgPosition::kStart); }, errnos);
  fail_each([] { return sys::open_kmsg_reader(sys::KmsgPosition::kEnd); }, errnos);
  fail_each([] { return sys::open_kmsg_writer(); }, errnos);
  clear_faults();
}

void reads_on_after_trouble() {
  open_null_instead();
  kmsg::Reader reader(sys::open_kmsg_reader(sys::KmsgPosition::kStart).value());
  clear_faults();

  answer_call("read", 1, bytes_reply("6,10,500,-;first\n"));
  fail_call("read", 2, EINTR);
  answer_call("read", 3, bytes_reply("6,11,600,-;second\n"));
  fail_call("read", 4, EPIPE);
  answer_call("read", 5, bytes_reply("6,20,700,-;after a gap\n"));
  fail_call("read", 6, EAGAIN);
  auto batch = reader.read(100);
  check(batch.ok() && batch.value().entries.size() == 3);
  check_equal(batch.value().missed, 8u, "records 12 to 19 were overwritten");
  check_equal(batch.value().text, "firstsecondafter a gap");
  check(clear_faults());

  answer_call("read", 1, bytes_reply("6,21,800,-;before an error\n"));
  fail_call("read", 2, EINVAL);
  fail_call("read", 3, EINVAL);
  batch = reader.read(100);
  check(batch.ok() && batch.value().entries.size() == 1, "what was read is not lost");
  batch = reader.read(100);
  check(!batch && batch.error().errno_value == EINVAL && batch.error().path == "/dev/kmsg");
  check(clear_faults());
  reader.close();
  check(!reader.read(1).ok());
}

void ends_in_a_storm() {
  open_null_instead();
  kmsg::Reader reader(sys::open_kmsg_reader(sys::KmsgPosition::kStart).value());
  clear_faults();
  answer_call("read", 1, bytes_reply("6,10,1,-;ten\n"));
  check(reader.read(1).ok());
  fail_always("read", EPIPE);
  auto batch = reader.read(100);
  check(batch.ok() && batch.value().entries.empty(), "overwritten faster than it can be read: the call ends");
  clear_faults();
  answer_call("read", 1, bytes_reply("6,110,1,-;after the storm\n"));
  batch = reader.read(1);
  check(batch.ok() && batch.value().missed == 99, "and counts when there is a record again");
  check(clear_faults());
}

// Keeps its descriptor for good, so this is a story told once: from no descriptor to a device that goes on working.
void writes_after_trouble() {
  for (int error : {EMFILE, ENOMEM}) {
    fail_call("open", 1, error);
    auto refused = kmsg::write(3, "x");
    check(!refused && refused.error().errno_value == error && std::string_view(refused.error().syscall) == "open");
  }
  std::vector<std::string> written;
  auto keep = [&written](Call& call) {
    written.emplace_back(call.pointer<char>(1), static_cast<size_t>(call.arguments[2]));
    return call.arguments[2];
  };
  open_null_instead();
  answer_always("write", keep);
  fail_call("write", 1, EINTR);
  check(kmsg::write(3, "one\ntwo").ok());
  clear_faults();
  check_equal(written.size(), 2u, "a signal loses nothing");
  fail_call("write", 1, EPERM);
  auto refused = kmsg::write(3, "x");
  check(!refused && refused.error().errno_value == EPERM && std::string_view(refused.error().syscall) == "write");
  fail_call("open", 1, EMFILE);
  answer_always("write", keep);
  check(kmsg::write(3, "three").ok(), "without another descriptor");
  check(!clear_faults(), "open was not called again");
}

}  // namespace

int main() {
  opens_or_says_why_not();
  reads_on_after_trouble();
  ends_in_a_storm();
  writes_after_trouble();
  return finish();
}
