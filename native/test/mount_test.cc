#include "mount/mount.h"

#include <sys/mount.h>

#include <cstring>

#include "mount/attach.h"
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
  check_equal(table.value().entries.size(), 3u);
  const auto& root = table.value().entries[0];
  check_equal(root.id, 22);
  check_equal(root.parent_id, 1);
  check_equal(root.device, "254:0");
  check_equal(root.mount_point, "/");
  check_equal(root.propagation, "private");
  check_equal(root.super_options, "rw,errors=remount-ro");
  const auto& last = table.value().entries[2];
  check_equal(last.root, "/a b");
  check_equal(last.mount_point, "/mnt/new\nline\\x");
  check_equal(last.propagation, "shared:12 master:3");
  check_equal(last.fstype, "tmpfs");
  check_equal(last.source, "", "an empty source is a field");
  check_equal(last.super_options, "rw,size=64k");
}

void refuses_lines_it_does_not_understand() {
  check(parse_mount_info("").value().entries.empty());
  for (const char* line : {"x", "22 1 254:0 / / rw,relatime", "22 1 254:0 / / rw shared:1", "a 1 254:0 / / rw - ext4 x rw",
                           "22 1 2540 / / rw - ext4 x rw", "22 1 254:0 / / rw -", "-2 1 254:0 / / rw - ext4 x rw",
                           "22 1 254:0 / /a\\000b rw - ext4 x rw"}) {
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

void says_where_the_line_is() {
  auto table = parse_mount_info(std::string(kTable) + "nonsense\n");
  check(!table && table.error().detail.find("offset " + std::to_string(std::strlen(kTable)) + " ") != std::string::npos);
}

// Texts that neighbours share are there once, and every mount finds its own.
void flattens_the_table() {
  auto table = parse_mount_info(kTable);
  auto flat = talos::mount::flatten(table.value());
  check_equal(flat.numbers.size(), 30u);
  std::vector<std::string> texts;
  for (size_t start = 0; start < flat.texts.size();) {
    texts.emplace_back(flat.texts.c_str() + start);
    start += texts.back().size() + 1;
  }
  check_equal(flat.numbers[0], 22u);
  check_equal(flat.numbers[21], 22u);
  check_equal(texts[flat.numbers[4]], "/");
  check_equal(texts[flat.numbers[24]], "/mnt/new\nline\\x");
  check_equal(texts[flat.numbers[28]], "");
  check_equal(flat.numbers[3], flat.numbers[13], "the root of the second is the text of the first");
  auto moved = std::move(table).value();
  check_equal(moved.entries[2].root, "/a b", "a table that was moved is still whole");
}

void takes_options_apart() {
  using talos::mount::parse_options;
  auto options = parse_options("size=64k,noatime,,mode=,a=b=c").value();
  check_equal(options.size(), 4u);
  check_equal(options[0].key, "size");
  check_equal(std::get<std::string>(options[0].value), "64k");
  check(std::holds_alternative<std::monostate>(options[1].value));
  check_equal(std::get<std::string>(options[2].value), "", "an empty value is a value");
  check_equal(std::get<std::string>(options[3].value), "b=c");
  check(parse_options("").value().empty());
  check(parse_options("lowerdir=" + std::string(255, 'x')).has_value());
  for (const std::string& whole : {"lowerdir=" + std::string(256, 'x'), std::string(256, 'k'), std::string("a=b\\,c"),
                                   std::string("context=\"a,b\""), std::string("=x")}) {
    check(!parse_options(whole).has_value(), "only as a whole: " + whole.substr(0, 12));
  }
}

void plans_with_descriptors() {
  using talos::mount::plan_attach;
  auto fresh =
      plan_attach({.source = "tmpfs", .target = "/t", .fstype = "tmpfs", .flags = {"ro", "nosuid", "sync"}, .data = "size=1"});
  check(fresh.has_value() && !fresh->is_copy);
  check_equal(fresh->attribute_set, static_cast<uint64_t>(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID));
  std::string keys;
  for (const auto& parameter : fresh->parameters) keys += parameter.key + " ";
  check_equal(keys, "ro sync size ", "'ro' is said to the file system as well");
  auto bind = plan_attach({.source = "/a", .target = "/t", .fstype = "", .flags = {"bind", "rec", "slave"}, .data = ""});
  check(bind.has_value() && bind->is_copy && bind->recursive && bind->propagation.size() == 1);
  for (const std::vector<std::string>& flags : {std::vector<std::string>{"remount"}, {"move"}, {"private"}}) {
    check(!plan_attach({.source = "", .target = "/t", .fstype = "", .flags = flags, .data = ""}).has_value(), flags[0]);
  }
  check(!plan_attach({.source = "", .target = "/t", .fstype = "ext4", .flags = {"silent"}, .data = ""}).has_value(), "silent");
}

}  // namespace

int main() {
  says_where_the_line_is();
  flattens_the_table();
  takes_options_apart();
  plans_with_descriptors();
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
