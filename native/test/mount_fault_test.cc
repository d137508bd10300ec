// Mounting when system calls fail: nothing is mounted here, the kernel's answers are scripted.
#include "mount/mount.h"
#include "mount/mountinfo.h"
#include "sys/mount_calls.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using namespace talos;
using namespace talos::test;

const std::vector<int> kErrnos = {EINTR, EAGAIN, ENOMEM, EMFILE, EPERM, EBUSY};

void succeed_always(std::initializer_list<const char*> calls) {
  for (const char* call : calls) answer_always(call, [](Call&) { return 0L; });
}

void names_the_step_that_failed() {
  succeed_always({"mount", "mount_setattr", "umount2"});
  const mount::MountRequest bind{.source = "/a", .target = "/b", .fstype = "", .flags = {"bind", "ro", "slave"}, .data = ""};
  fail_each([&] { return mount::mount(bind); }, kErrnos);
  fail_each([] { return mount::unmount("/b", {"detach"}); }, kErrnos);
  clear_faults();
}

void takes_a_half_made_mount_away() {
  const mount::MountRequest bind{.source = "/a", .target = "/b", .fstype = "", .flags = {"bind", "ro"}, .data = ""};
  succeed_always({"mount", "umount2"});
  fail_call("mount_setattr", 1, EINVAL);
  const auto calls = calls_of([&] { check(!mount::mount(bind).ok()); });
  check_equal(calls.back(), "umount2");
  check(clear_faults());
}

void reads_the_table_whole() {
  fail_each([] { return mount::read_mount_info(); }, kErrnos,
            // poll(2) only asks for changes; without an answer the text is good enough.
            {{"poll"}});
  const std::string line = "22 1 254:0 / / rw,relatime - ext4 /dev/root rw\n";
  // A table that comes in pieces, with a signal in between.
  answer_call("read", 1, bytes_reply(line.substr(0, 10)));
  fail_call("read", 2, EINTR);
  answer_call("read", 3, bytes_reply(line.substr(10)));
  answer_call("read", 4, bytes_reply(""));
  auto table = mount::read_mount_info();
  check(table.ok() && table.value().size() == 1 && table.value()[0].source == "/dev/root");
  check(clear_faults());
}

}  // namespace

int main() {
  names_the_step_that_failed();
  takes_a_half_made_mount_away();
  reads_the_table_whole();
  return finish();
}
