// Mounting when system calls fail: nothing is mounted here, the kernel's answers are scripted.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "mount/attach.h"
#include "mount/loop.h"
#include "mount/mount.h"
#include "mount/mountinfo.h"
#include "mount/root.h"
#include "sys/mount_api_calls.h"
#include "sys/mount_calls.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using namespace talos;
using namespace talos::test;

const std::vector<int> kErrnos = {EINTR, EAGAIN, ENOMEM, EMFILE, EPERM, EBUSY};
const mount::MountRequest kBind{.source = "/a", .target = "/b", .fstype = "", .flags = {"bind", "ro", "slave"}, .data = ""};
const mount::MountRequest kNew{
    .source = "disk", .target = "/b", .fstype = "ext4", .flags = {"ro", "private"}, .data = "noload,commit=5"};

void succeed_always(std::initializer_list<const char*> calls) {
  for (const char* call : calls) answer_always(call, [](Call&) { return 0L; });
}

// A descriptor of its own each time, so that a leak shows.
void open_always(std::initializer_list<const char*> calls) {
  for (const char* call : calls) {
    answer_always(call, [](Call&) { return static_cast<long>(::open("/dev/null", O_RDONLY | O_CLOEXEC)); });
  }
}

void accept_all() {
  succeed_always({"mount", "mount_setattr", "umount2", "move_mount", "fsconfig"});
  open_always({"fsopen", "fsmount", "open_tree"});
}

std::string joined(const std::vector<std::string>& calls) {
  std::string all;
  for (const auto& call : calls) {
    if (call != "close" && call != "open") all += call + " ";
  }
  return all;
}

void names_the_step_that_failed() {
  accept_all();
  fail_each([] { return mount::mount(kBind); }, kErrnos);
  fail_each([] { return mount::mount(kNew); }, kErrnos);
  fail_each([] { return mount::unmount("/b", {"detach"}); }, kErrnos);
  check_equal(joined(calls_of([] { check(mount::mount(kNew).ok()); })),
              "fsopen fsconfig fsconfig fsconfig fsconfig fsconfig fsmount move_mount mount_setattr ");
  check_equal(joined(calls_of([] { check(mount::mount(kBind).ok()); })), "open_tree mount_setattr move_mount mount_setattr ");
  clear_faults();
}

// An older kernel: whichever of the new calls it lacks, mount(2) does it.
void falls_back_to_the_old_calls() {
  for (const char* missing : {"fsopen", "fsconfig", "fsmount", "move_mount"}) {
    fail_always(missing, ENOSYS);
    accept_all();
    auto calls = joined(calls_of([] { check(mount::mount(kNew).ok()); }));
    check(calls.ends_with("mount mount "), std::string("without ") + missing + ": " + calls);
    clear_faults();
  }
  for (const char* missing : {"open_tree", "move_mount"}) {
    fail_always(missing, ENOSYS);
    accept_all();
    auto calls = joined(calls_of([] { check(mount::mount(kBind).ok()); }));
    check(calls.ends_with("mount mount_setattr mount "), std::string("without ") + missing + ": " + calls);
    clear_faults();
  }
  // Linux 5.2 to 5.11. Attributes of a bind cannot be had there, and it must not stay without them.
  fail_always("mount_setattr", ENOSYS);
  accept_all();
  check(mount::mount(kNew).ok());
  auto calls = joined(calls_of([] {
    auto mounted = mount::mount(kBind);
    check(!mounted && mounted.error().errno_value == ENOSYS);
  }));
  check(calls.ends_with("umount2 "), calls);
  clear_faults();
  // Any other error is one.
  accept_all();
  fail_call("fsopen", 1, ENODEV);
  auto mounted = mount::mount(kNew);
  check(!mounted && mounted.error().errno_value == ENODEV && mounted.error().dest == "/b");
  clear_faults();
}

void takes_a_half_made_mount_away() {
  accept_all();
  fail_call("mount_setattr", 2, ENOMEM);
  const auto calls = calls_of([] { check(!mount::mount(kBind).ok()); });
  check(std::find(calls.begin(), calls.end(), "umount2") != calls.end(), "propagation that could not be set");
  check(clear_faults());
  fail_always("open_tree", ENOSYS);
  accept_all();
  fail_call("mount_setattr", 1, EINVAL);
  auto by_mount = joined(calls_of([] { check(!mount::mount(kBind).ok()); }));
  check(by_mount.ends_with("mount mount_setattr umount2 "), "the same by mount(2): " + by_mount);
  clear_faults();
}

void tells_what_the_kernel_says() {
  accept_all();
  fail_call("fsconfig", 3, EINVAL);
  answer_call("read", 1, bytes_reply("e ext4: Unknown parameter 'noload'\n"));
  fail_call("read", 2, EINTR);
  answer_call("read", 3, bytes_reply("w and a warning"));
  fail_call("read", 4, ENODATA);
  auto mounted = mount::mount(kNew);
  check(!mounted && mounted.error().errno_value == EINVAL);
  check_equal(mounted.error().detail, "ext4: Unknown parameter 'noload'\nand a warning");
  check_equal(mounted.error().path, "disk");
  check(std::string_view(mounted.error().syscall) == "fsconfig");
  clear_faults();
  // A kernel that never stops talking.
  accept_all();
  fail_call("fsconfig", 1, EINVAL);
  answer_always("read", bytes_reply("e again"));
  check(mount::mount(kNew).error().detail.size() < 1000);
  clear_faults();
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
  check(table.ok() && table.value().entries.size() == 1 && table.value().entries[0].source == "/dev/root");
  check(clear_faults());
}

// ioctl: LOOP_CTL_GET_FREE says 7; LOOP_CONFIGURE as told. Devices are /dev/null, whatever their number.
void script_loops(int configure_errno, int times) {
  open_always({"open"});
  // Outside of the answer, which is copied.
  auto left = std::make_shared<int>(times);
  answer_always("ioctl", [=](Call& call) {
    constexpr int kGetFree = 0x4C82;
    constexpr int kConfigure = 0x4C0A;
    if (call.number(1) == kGetFree) return 7L;
    if (call.number(1) == kConfigure && *left > 0) {
      (*left)--;
      return call.fail(configure_errno);
    }
    return 0L;
  });
}

void takes_the_next_free_loop_device() {
  for (int taken : {EBUSY, ENXIO}) {
    script_loops(taken, 3);
    auto loop = mount::attach_loop({.file = 0});
    check(loop.ok() && loop.value().path == "/dev/loop7", "somebody else was quicker three times");
    clear_faults();
  }
  script_loops(EBUSY, 1'000'000);
  auto never = mount::attach_loop({.file = 0});
  check(!never && never.error().errno_value == EBUSY && never.error().detail == "LOOP_CONFIGURE", "but not for ever");
  check_equal(never.error().path, "/dev/loop7");
  clear_faults();
  script_loops(EINVAL, 1);
  check(!mount::attach_loop({.file = 0}).ok(), "another error is one");
  clear_faults();
  script_loops(0, 0);
  fail_each([] { return mount::attach_loop({.file = 0, .read_only = true}); }, {EMFILE, ENOMEM, EACCES, EINTR});
  fail_each([] { return mount::detach_loop(0); }, {ENXIO, EINTR});
  clear_faults();
}

void switches_root_or_goes_back() {
  succeed_always({"mount", "umount2", "pivot_root", "chdir", "fchdir", "chroot"});
  check_equal(joined(calls_of([] {
                check(mount::switch_root("/new", {"/dev", "/proc"}).ok());
              })),
              "chdir mount mount pivot_root umount2 chdir ");
  fail_call("pivot_root", 1, EINVAL);
  check_equal(joined(calls_of([] { check(mount::switch_root("/new", {}).ok()); })), "chdir pivot_root mount chroot chdir ",
              "from an initramfs");
  clear_faults();
  std::string moved;
  answer_always("mount", [&moved](Call& call) {
    moved += std::string(call.pointer<char>(0)) + ">" + call.pointer<char>(1) + " ";
    return 0L;
  });
  succeed_always({"umount2", "pivot_root", "chdir", "fchdir", "chroot"});
  fail_call("pivot_root", 1, EBUSY);
  auto failed = mount::switch_root("/new", {"/dev", "/proc"});
  check(!failed && failed.error().errno_value == EBUSY && failed.error().path == "/new");
  clear_faults();
  check_equal(moved, "/dev>/new/dev /proc>/new/proc /new/proc>/proc /new/dev>/dev ");
}

}  // namespace

int main() {
  names_the_step_that_failed();
  falls_back_to_the_old_calls();
  takes_a_half_made_mount_away();
  tells_what_the_kernel_says();
  reads_the_table_whole();
  takes_the_next_free_loop_device();
  switches_root_or_goes_back();
  return finish();
}
