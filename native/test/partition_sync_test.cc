// How the kernel's partitions become those of a table, on a disk that only its descriptor makes one: the ioctls and sysfs are
// this test's.
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "block/gpt_disk.h"
#include "test/fault.h"
#include "test/gpt_image.h"
#include "test/tap.h"

namespace {

using namespace talos;
using namespace talos::test;

constexpr uint64_t kSize = 16 * 1024 * 1024;
constexpr uint32_t kSectorBytes = 512;
constexpr uint64_t kMiB = 1024 * 1024;

// A block device 250:7 with the two partitions of table_for(), whose kernel answers BLKRRPART with an errno, or does it.
class Disk {
 public:
  explicit Disk(int reread_errno) : fd_(::memfd_create("disk", MFD_CLOEXEC)) {
    auto image = image_with(kSize, kSectorBytes, "STATE");
    check(::pwrite(fd_.get(), image.data(), image.size(), 0) == static_cast<ssize_t>(image.size()));
    char name[] = "/tmp/talos-test-XXXXXX";
    sysfs_ = ::mkdtemp(name);
    answer_always("fstat", [](Call& call) {
      long result = call.pass();
      auto* status = call.pointer<struct stat>(1);
      status->st_mode = S_IFBLK | 0600;
      status->st_rdev = makedev(250, 7);
      return result;
    });
    answer_always("ioctl", [this, reread_errno](Call& call) { return answer(call, reread_errno); });
    for (const char* call : {"open", "access", "opendir"}) {
      answer_always(call, [this](Call& passed) { return in_sysfs(passed); });
    }
  }
  ~Disk() {
    clear_faults();
    std::filesystem::remove_all(sysfs_);
  }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  // What the kernel knows as a partition.
  void know(int number, uint64_t start, uint64_t bytes) const {
    FaultsPaused paused;
    std::filesystem::path folder = sysfs_ / ("disk7p" + std::to_string(number));
    std::filesystem::create_directory(folder);
    std::ofstream(folder / "partition") << number << "\n";
    std::ofstream(folder / "start") << start / kSectorBytes << "\n";
    std::ofstream(folder / "size") << bytes / kSectorBytes << "\n";
  }

  // No table any more, but these bytes where that of an MBR ends.
  void overwrite(std::string_view at_its_end) const {
    FaultsPaused paused;
    std::vector<uint8_t> image(kSize);
    std::copy(at_its_end.begin(), at_its_end.end(), image.begin() + 510);
    check(::pwrite(fd_.get(), image.data(), image.size(), 0) == static_cast<ssize_t>(image.size()));
  }

  Result<block::PartitionSync> sync() {
    changes.clear();
    return block::sync_partitions("/proc/self/fd/" + std::to_string(fd_.get()));
  }

  // "+1@1048576:4194304", "=1@…" for one that was resized, and "-3", in the order of the requests.
  std::vector<std::string> changes;

 private:
  long answer(Call& call, int reread_errno) {
    switch (static_cast<unsigned long>(static_cast<unsigned int>(call.arguments[1]))) {
      case BLKGETSIZE64:
        *call.pointer<uint64_t>(2) = kSize;
        return 0;
      case BLKSSZGET:
      case BLKPBSZGET:
        *call.pointer<int>(2) = kSectorBytes;
        return 0;
      case BLKIOOPT:
      case BLKROGET:
        *call.pointer<int>(2) = 0;
        return 0;
      case BLKRRPART:
        return reread_errno == 0 ? 0 : call.fail(reread_errno);
      case BLKPG:
        return change(*call.pointer<blkpg_ioctl_arg>(2));
      default:
        return call.fail(ENOTTY);
    }
  }

  long change(const blkpg_ioctl_arg& argument) {
    const auto& partition = *static_cast<const blkpg_partition*>(argument.data);
    std::string number = std::to_string(partition.pno);
    changes.push_back(argument.op == BLKPG_DEL_PARTITION
                          ? "-" + number
                          : (argument.op == BLKPG_RESIZE_PARTITION ? "=" : "+") + number + "@" + std::to_string(partition.start) +
                                ":" + std::to_string(partition.length));
    return 0;
  }

  // The folder of the device in sysfs is ours.
  long in_sysfs(Call& call) {
    constexpr std::string_view kFolder = "/sys/dev/block/250:7";
    std::string_view path = call.pointer<const char>(0);
    if (!path.starts_with(kFolder)) return call.pass();
    std::string other = sysfs_.string() + std::string(path.substr(kFolder.size()));
    call.arguments[0] = reinterpret_cast<long>(other.c_str());
    return call.pass();
  }

  UniqueFd fd_;
  std::filesystem::path sysfs_;
};

using Changes = std::vector<std::string>;
const Changes kBoth = {"+1@1048576:4194304", "+2@5242880:10485760"};

void a_whole_reading_needs_nothing_more() {
  Disk disk(0);
  disk.know(1, kMiB, 4 * kMiB);
  disk.know(2, 5 * kMiB, 10 * kMiB);
  auto synced = disk.sync();
  check(synced.ok() && synced.value().was_reread && disk.changes.empty());
}

void a_kernel_that_does_not_go_by_the_backup_is_told() {
  Disk disk(0);
  auto synced = disk.sync();
  check(synced.ok() && synced.value().was_reread);
  check(disk.changes == kBoth);
}

// Loop devices that were not set up to be searched for tables.
void what_is_not_searched_gets_them_one_by_one() {
  Disk disk(EINVAL);
  auto synced = disk.sync();
  check(synced.ok() && !synced.value().was_reread && synced.value().changes.added.size() == 2);
  check(disk.changes == kBoth);
}

void what_is_in_use_and_unchanged_is_left_alone() {
  for (int errno_value : {EINVAL, EBUSY}) {
    Disk disk(errno_value);
    disk.know(2, 5 * kMiB, 10 * kMiB);
    disk.know(3, 15 * kMiB, kMiB / 2);
    auto synced = disk.sync();
    check(synced.ok() && !synced.value().was_reread);
    check(disk.changes == Changes{"-3", kBoth[0]}, "first what has to go");
  }
}

void what_became_longer_is_resized_in_place() {
  for (int errno_value : {EINVAL, EBUSY}) {
    Disk disk(errno_value);
    disk.know(1, kMiB, 4 * kMiB);
    disk.know(2, 5 * kMiB, 3 * kMiB);
    auto synced = disk.sync();
    check(synced.ok() && synced.value().changes.grown.size() == 1 && synced.value().changes.added.empty());
    check(disk.changes == Changes{"=2@5242880:10485760"}, "it may be in use");
  }
}

void what_moved_or_became_shorter_is_made_anew() {
  for (auto [start, bytes] : {std::pair{5 * kMiB, 11 * kMiB}, {6 * kMiB, 3 * kMiB}}) {
    Disk disk(EBUSY);
    disk.know(1, kMiB, 4 * kMiB);
    disk.know(2, start, bytes);
    check(disk.sync().ok());
    check(disk.changes == Changes{"-2", kBoth[1]}, "which the kernel refuses for one in use");
  }
}

void without_a_table_there_are_no_partitions() {
  Disk disk(EINVAL);
  disk.know(1, kMiB, 4 * kMiB);
  disk.overwrite("");
  check(disk.sync().ok());
  check(disk.changes == Changes{"-1"});
  disk.overwrite("\x55\xaa");
  auto other = disk.sync();
  check(!other && other.error().errno_value == ENOENT && disk.changes.empty(), "those of another table are not ours");
}

void any_other_refusal_ends_it() {
  for (int errno_value : {EACCES, EIO, ENXIO}) {
    Disk disk(errno_value);
    auto synced = disk.sync();
    check(!synced && synced.error().errno_value == errno_value && synced.error().detail == "BLKRRPART");
    check(std::string_view(synced.error().syscall) == "ioctl" && !synced.error().path.empty());
    check(disk.changes.empty());
  }
}

void every_call_can_fail() {
  Disk disk(EINVAL);
  disk.know(1, kMiB, kMiB);
  disk.know(3, 15 * kMiB, kMiB / 2);
  // A copy of the table that cannot be read is one that is not there. BLKRRPART may say EBUSY (above); what has no `partition`
  // is no partition.
  fail_each([&] { return disk.sync(); }, {EIO, ENOMEM, EPERM}, {{"pread"}, {"access"}});
}

}  // namespace

int main() {
  a_whole_reading_needs_nothing_more();
  a_kernel_that_does_not_go_by_the_backup_is_told();
  what_is_not_searched_gets_them_one_by_one();
  what_is_in_use_and_unchanged_is_left_alone();
  what_became_longer_is_resized_in_place();
  what_moved_or_became_shorter_is_made_anew();
  without_a_table_there_are_no_partitions();
  any_other_refusal_ends_it();
  every_call_can_fail();
  return finish();
}
