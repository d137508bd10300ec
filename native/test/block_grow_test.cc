// Growing a mounted ext4: which system calls are made, and what becomes of their failures. The kernel's part is scripted, for a
// host may keep CAP_SYS_RESOURCE from its root; test/in-guest/grow.test.ts has the real one.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <cstring>

#include "block/grow.h"
#include "sys/file_calls.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using namespace talos;
using namespace talos::test;

constexpr uint64_t kBlockBytes = 4096;

// What the kernel would know of the file system.
struct Script {
  long type = EXT4_SUPER_MAGIC;
  dev_t device = makedev(254, 2);
  // In sysfs, in sectors of 512 bytes; not a whole number of blocks.
  std::string sectors = "8193\n";
  uint64_t blocks = 500;
  // What it was asked for last.
  uint64_t wanted = 0;
  unsigned long request = 0;
  // What the kernel answers in place of doing it.
  int refusal = 0;
};

void arm(Script& script) {
  clear_faults();
  answer_always("fstat", [&](Call& call) {
    long passed = call.pass();
    call.pointer<struct stat>(1)->st_dev = script.device;
    return passed;
  });
  answer_always("fstatfs", [&](Call& call) {
    auto* sizes = call.pointer<struct statfs>(1);
    *sizes = {};
    sizes->f_type = script.type;
    sizes->f_bsize = kBlockBytes;
    sizes->f_blocks = script.blocks;
    return 0L;
  });
  answer_always("open", [](Call&) {
    FaultsPaused paused;
    return static_cast<long>(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  });
  answer_always("read", [&](Call& call) {
    std::memcpy(call.pointer<char>(1), script.sectors.data(), script.sectors.size());
    return static_cast<long>(script.sectors.size());
  });
  answer_always("ioctl", [&](Call& call) {
    if (script.refusal != 0) return call.fail(script.refusal);
    script.request = static_cast<unsigned int>(call.arguments[1]);
    script.wanted = *call.pointer<uint64_t>(2);
    script.blocks = script.wanted - 24;
    return 0L;
  });
}

UniqueFd here() {
  FaultsPaused paused;
  auto folder = sys::open_folder("/");
  check(folder.ok());
  return std::move(folder).value();
}

void it_gets_the_whole_blocks_of_its_device() {
  UniqueFd folder = here();
  Script script;
  arm(script);
  auto grown = block::grow_ext4(folder.get());
  check(grown.ok());
  check_equal(script.wanted, uint64_t{1024}, "a rest that is no block is left");
  check_equal(script.request, 0x40086610UL, "EXT4_IOC_RESIZE_FS");
  check_equal(grown.value().device_bytes, uint64_t{8193 * 512});
  check_equal(grown.value().from_bytes, 500 * kBlockBytes);
  check_equal(grown.value().to_bytes, 1000 * kBlockBytes);
  clear_faults();
}

void what_is_no_ext4_on_a_device_is_not_touched() {
  UniqueFd folder = here();
  Script script;
  script.type = TMPFS_MAGIC;
  arm(script);
  auto other = block::grow_ext4(folder.get());
  check(!other && other.error().errno_value == ENOTSUP);
  script.type = EXT4_SUPER_MAGIC;
  script.device = makedev(0, 33);
  auto without = block::grow_ext4(folder.get());
  check(!without && without.error().errno_value == ENOTSUP);
  script = {};
  script.sectors = "many\n";
  auto unread = block::grow_ext4(folder.get());
  check(!unread && unread.error().errno_value == EBADMSG && unread.error().path == "/sys/dev/block/254:2/size");
  check_equal(script.request, 0UL);
  clear_faults();
}

void every_call_can_fail() {
  UniqueFd folder = here();
  Script script;
  arm(script);
  fail_each(
      [&] {
        script.blocks = 500;
        return block::grow_ext4(folder.get());
      },
      {EPERM, EBUSY, ENOSPC, EINVAL, EOPNOTSUPP, EROFS, EIO, EINTR});
  clear_faults();
}

void a_refusal_says_what_it_stands_for() {
  UniqueFd folder = here();
  for (auto [errno_value, words] : std::initializer_list<std::pair<int, const char*>>{
           {EPERM, "EXT4_IOC_RESIZE_FS: the kernel does not grow a file system that has found faults"},
           {EBUSY, "EXT4_IOC_RESIZE_FS: it is being grown already"},
           {EINVAL, "EXT4_IOC_RESIZE_FS: the kernel cannot give it that many blocks"},
           {EIO, "EXT4_IOC_RESIZE_FS"}}) {
    Script script;
    script.refusal = errno_value;
    arm(script);
    auto refused = block::grow_ext4(folder.get());
    check(!refused && refused.error().errno_value == errno_value && refused.error().detail.starts_with(words), words);
  }
  clear_faults();
}

}  // namespace

int main() {
  it_gets_the_whole_blocks_of_its_device();
  what_is_no_ext4_on_a_device_is_not_touched();
  every_call_can_fail();
  a_refusal_says_what_it_stands_for();
  return finish();
}
