#include "mount/mount.h"

#include <sys/mount.h>

#include "mount/mountinfo.h"
#include "test/tap.h"

namespace {

using talos::mount::MountRequest;
using talos::mount::MountStep;
using talos::mount::parse_mount_info;
using talos::mount::plan_mount;
using talos::test::check;
using talos::test::check_equal;

constexpr const char* kTable =
    "22 1 254:0 / / rw,relatime - ext4 /dev/root rw,errors=remount-ro\n"
    "23 22 0:21 / /proc rw,nosuid shared:5 - proc proc rw\n"
    "40 22 0:33 /a\\040b /mnt/new\\012line\\134x rw shared:12 master:3 - tmpfs  rw,size=64k\n";

void refuses(MountRequest request, const char* words) {
  auto plan = plan_mount(request);
  check(!plan && plan.error().errno_value == EINVAL && plan.error().detail.find(words) != std::string::npos, words);
}

void plans_a_new_mount() {
  auto plan =
      plan_mount({.source = "tmpfs", .target = "/t", .fstype = "tmpfs", .flags = {"nosuid", "noexec", "private"}, .data = ""});
  check(plan.ok());
  check_equal(plan.value().size(), 2u);
  check_equal(plan.value()[0].flags, static_cast<unsigned long>(MS_NOSUID | MS_NOEXEC));
  check(plan.value()[0].with_arguments);
  check_equal(plan.value()[1].flags, static_cast<unsigned long>(MS_PRIVATE), "propagation is a call of its own");
  check(!plan.value()[1].with_arguments);
}

void plans_a_bind_with_attributes() {
  auto plan =
      plan_mount({.source = "/a", .target = "/b", .fstype = "", .flags = {"ro", "noatime", "rec", "bind", "slave"}, .data = ""});
  check(plan.ok());
  check_equal(plan.value().size(), 3u);
  check_equal(plan.value()[0].flags, static_cast<unsigned long>(MS_BIND | MS_REC));
  check(plan.value()[1].kind == MountStep::Kind::kSetAttributes);
  check_equal(plan.value()[1].set, static_cast<uint64_t>(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME));
  check_equal(plan.value()[1].clear, static_cast<uint64_t>(MOUNT_ATTR__ATIME));
  check(plan.value()[1].recursive);
  check_equal(plan.value()[2].flags, static_cast<unsigned long>(MS_SLAVE | MS_REC));
}

void plans_remounts_moves_and_propagation() {
  auto remount = plan_mount({.source = "", .target = "/t", .fstype = "", .flags = {"remount", "bind", "ro"}, .data = ""});
  check_equal(remount.value().size(), 1u);
  check_equal(remount.value()[0].flags, static_cast<unsigned long>(MS_REMOUNT | MS_BIND | MS_RDONLY));
  auto move = plan_mount({.source = "/a", .target = "/b", .fstype = "", .flags = {"move"}, .data = ""});
  check_equal(move.value()[0].flags, static_cast<unsigned long>(MS_MOVE));
  auto propagation = plan_mount({.source = "", .target = "/", .fstype = "", .flags = {"rec", "private"}, .data = ""});
  check_equal(propagation.value().size(), 1u);
  check_equal(propagation.value()[0].flags, static_cast<unsigned long>(MS_PRIVATE | MS_REC));
}

void refuses_contradictions() {
  refuses({.source = "", .target = "/t", .fstype = "tmpfs", .flags = {"nosuld"}, .data = ""}, "'nosuld'");
  refuses({.source = "", .target = "/t", .fstype = "", .flags = {"ro"}, .data = ""}, "file system type");
  refuses({.source = "", .target = "/t", .fstype = "", .flags = {}, .data = ""}, "file system type");
  refuses({.source = "", .target = "/t", .fstype = "tmpfs", .flags = {"rec"}, .data = ""}, "'rec'");
  refuses({.source = "/a", .target = "/t", .fstype = "", .flags = {"bind", "move"}, .data = ""}, "contradicting");
  refuses({.source = "/a", .target = "/t", .fstype = "", .flags = {"bind", "sync"}, .data = ""}, "file system");
  refuses({.source = "/a", .target = "/t", .fstype = "", .flags = {"move", "ro"}, .data = ""}, "'move'");
}

void reads_the_mount_table() {
  auto table = parse_mount_info(kTable);
  check(table.ok());
  check_equal(table.value().size(), 3u);
  const auto& root = table.value()[0];
  check_equal(root.id, 22);
  check_equal(root.parent_id, 1);
  check_equal(root.device, "254:0");
  check_equal(root.mount_point, "/");
  check_equal(root.propagation, "private");
  check_equal(root.super_options, "rw,errors=remount-ro");
  const auto& last = table.value()[2];
  check_equal(last.root, "/a b");
  check_equal(last.mount_point, "/mnt/new\nline\\x");
  check_equal(last.propagation, "shared:12 master:3");
  check_equal(last.fstype, "tmpfs");
  check_equal(last.source, "", "an empty source is a field");
  check_equal(last.super_options, "rw,size=64k");
}

void refuses_lines_it_does_not_understand() {
  check(parse_mount_info("").value().empty());
  for (const char* line : {"x", "22 1 254:0 / / rw,relatime", "22 1 254:0 / / rw shared:1", "a 1 254:0 / / rw - ext4 x rw",
                           "22 1 2540 / / rw - ext4 x rw", "22 1 254:0 / / rw -"}) {
    auto table = parse_mount_info(line);
    check(!table && table.error().errno_value == EBADMSG && table.error().detail.find(line) != std::string::npos, line);
  }
}

void decodes_octal_escapes() {
  using talos::mount::decode_octal_escapes;
  check_equal(decode_octal_escapes("a\\040b\\011\\134"), "a b\t\\");
  check_equal(decode_octal_escapes("\\04"), "\\04");
  check_equal(decode_octal_escapes("\\089"), "\\089");
  check_equal(decode_octal_escapes("\\777"), "\\777", "no byte has that value");
  check_equal(decode_octal_escapes("\\"), "\\");
}

}  // namespace

int main() {
  plans_a_new_mount();
  plans_a_bind_with_attributes();
  plans_remounts_moves_and_propagation();
  refuses_contradictions();
  reads_the_mount_table();
  refuses_lines_it_does_not_understand();
  decodes_octal_escapes();
  talos::test::survive_damage(kTable, [](std::string_view text) { (void)parse_mount_info(text).ok(); });
  return talos::test::finish();
}
