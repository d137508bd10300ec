// Block devices when system calls fail: on a file, and on a scripted device-mapper.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "block/gpt_disk.h"
#include "block/inspect.h"
#include "block/verity.h"
#include "sys/device_mapper_calls.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using namespace talos;
using namespace talos::test;

const std::vector<int> kErrnos = {EINTR, EIO, ENOMEM, EMFILE, EPERM, ENOSPC};
constexpr off_t kSize = 4 * 1024 * 1024;

// A disk of zeros in memory, opened by its name in /proc.
class MemoryDisk {
 public:
  MemoryDisk() : fd_(::memfd_create("disk", MFD_CLOEXEC)) { clear(); }
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }
  void clear() {
    FaultsPaused paused;
    check(::ftruncate(fd_.get(), 0) == 0 && ::ftruncate(fd_.get(), kSize) == 0);
  }
  void put(off_t at, std::string_view bytes) {
    FaultsPaused paused;
    check(::pwrite(fd_.get(), bytes.data(), bytes.size(), at) == static_cast<ssize_t>(bytes.size()));
  }

 private:
  UniqueFd fd_;
};

std::vector<block::GptPartitionRequest> one_partition() {
  return {{*block::parse_guid("0FC63DAF-8483-4772-8E79-3D69D8477DE4"), {}, "STATE", 0, 0}};
}

void every_call_on_a_disk_can_fail() {
  MemoryDisk disk;
  fail_each([&] { return block::device_info(disk.path()); }, kErrnos);
  fail_each([&] { return block::inspect_device(disk.path()); }, kErrnos);
  fail_each([&] { return block::flush(disk.path()); }, {EIO, ENOSPC, EINTR});
  fail_each([&] { return block::open_exclusively(disk.path()); }, kErrnos);
  fail_each(
      [&] {
        disk.put(510, "\x55\xaa");
        disk.put(1080, "\x53\xef");
        return block::wipe_signatures(disk.path());
      },
      {EIO, ENOSPC});
  // Reading may fail where a copy is looked for: then it is one that is not there.
  fail_each(
      [&] {
        disk.clear();
        return block::create_gpt(disk.path(), one_partition(), {}, false);
      },
      {EIO, ENOSPC}, {{"pread"}});
  clear_faults();
}

void writes_in_pieces() {
  MemoryDisk disk;
  shorten_call("pwrite", 1, 100);
  fail_call("pwrite", 2, EINTR);
  shorten_call("pread", 2, 7);
  check(block::create_gpt(disk.path(), one_partition(), {}, false).ok());
  check(clear_faults());
  auto again = block::create_gpt(disk.path(), one_partition(), {}, false);
  check(!again && again.error().errno_value == EEXIST && again.error().detail == "mbr at byte 510");
  check(block::create_gpt(disk.path(), one_partition(), {}, true).ok(), "when asked for");
  disk.put(1080, "\x53\xef");
  auto beside = block::create_gpt(disk.path(), one_partition(), {}, true);
  check(!beside && beside.error().errno_value == EEXIST, "never over a file system");
}

void a_device_that_forgets_is_told() {
  MemoryDisk disk;
  disk.put(510, "\x55\xaa");
  answer_always("pwrite", [](Call& call) { return call.arguments[2]; });
  auto wiped = block::wipe_signatures(disk.path());
  check(!wiped && wiped.error().errno_value == EIO && wiped.error().detail.find("mbr at byte 510") != std::string::npos);
  check(!block::create_gpt(disk.path(), one_partition(), {}, true).ok());
  clear_faults();
}

void a_copy_that_cannot_be_read_is_damaged() {
  MemoryDisk disk;
  check(block::create_gpt(disk.path(), one_partition(), {}, false).ok());
  fail_call("pread", 2, EIO);  // the first is the MBR
  auto state = block::read_gpt_of(disk.path());
  check(state.ok() && state.value().active() == &state.value().backup);
  check(state.value().problems().at(0).find("cannot be read at byte 512") != std::string::npos);
  fail_always("pread", EIO);
  auto lost = block::read_gpt_of(disk.path());
  check(!lost && lost.error().errno_value == EIO && !lost.error().path.empty());
  clear_faults();
}

void an_open_device_is_taken_as_it_is() {
  MemoryDisk disk;
  disk.put(1080, "\x53\xef");
  auto reader = sys::open_device(disk.path(), sys::DeviceAccess::kRead);
  check(reader.ok());
  check_equal(block::inspect_device(block::DeviceTarget(std::move(reader).value())).value().signatures.size(), 1u);
  reader = sys::open_device(disk.path(), sys::DeviceAccess::kRead);
  auto refused = block::wipe_signatures(block::DeviceTarget(std::move(reader).value()));
  check(!refused && refused.error().errno_value == EBADF, "it was not opened for that");
  auto opened = block::open_exclusively(disk.path());
  check(opened.ok());
  check_equal(block::wipe_signatures(block::DeviceTarget(std::move(opened).value())).value().size(), 1u);
  int pipe[2];
  check(::pipe(pipe) == 0);
  UniqueFd read_end(pipe[0]);
  UniqueFd write_end(pipe[1]);
  auto none = block::flush(block::DeviceTarget(std::move(read_end)));
  check(!none && none.error().errno_value == ENOTBLK);
}

void the_cache_is_dropped_without_capabilities() {
  MemoryDisk disk;
  auto device = block::open_exclusively(disk.path());
  for (int errno_value : {EACCES, EPERM}) {
    fail_call("ioctl", 1, errno_value);
    check(sys::drop_device_cache(device.value().get(), true, {}).ok());
    check(clear_faults());
  }
  fail_call("ioctl", 1, EIO);
  check(!sys::drop_device_cache(device.value().get(), true, {}).ok());
  clear_faults();
}

// A kernel that says yes to everything, with an intact dm-verity device.
long answer_mapper(Call& call) {
  auto* head = call.pointer<dm_ioctl>(2);
  if (static_cast<unsigned int>(call.arguments[1]) != static_cast<unsigned int>(DM_TABLE_STATUS)) return 0;
  dm_target_spec spec = {};
  std::memcpy(spec.target_type, "verity", 6);
  head->target_count = 1;
  std::memcpy(reinterpret_cast<char*>(head) + head->data_start, &spec, sizeof spec);
  std::memcpy(reinterpret_cast<char*>(head) + head->data_start + sizeof spec, "V", 2);
  return 0;
}

void script_mapper(const Answer& answer) {
  clear_faults();
  answer_always("open", [](Call&) {
    FaultsPaused paused;
    return static_cast<long>(::memfd_create("mapper", MFD_CLOEXEC));
  });
  answer_always("ioctl", answer);
}

void device_mapper_can_fail_at_every_step() {
  block::VerityTable table;
  table.data_device = table.hash_device = "/dev/vda";
  table.data_blocks = 1;
  table.root_digest = "ab";
  script_mapper(answer_mapper);
  fail_each([&] { return block::create_verity("root", "", table); }, {ENOMEM, EBUSY, EINVAL, EINTR});
  fail_each([&] { return block::verity_status("root"); }, {ENXIO, ENOMEM});
  fail_each([&] { return block::remove_mapped("root", true); }, {ENXIO, EBUSY});
  int requests = 0;
  script_mapper([&](Call& call) {
    requests++;
    if (static_cast<unsigned int>(call.arguments[1]) == static_cast<unsigned int>(DM_TABLE_LOAD)) return call.fail(EINVAL);
    return answer_mapper(call);
  });
  check(!block::create_verity("root", "", table).ok());
  check_equal(requests, 4, "version, create, load, and the device is taken away again");
  script_mapper([](Call& call) {
    call.pointer<dm_ioctl>(2)->flags |= DM_BUFFER_FULL_FLAG;
    return 0L;
  });
  check(!block::verity_status("root").ok(), "an answer that never fits ends");
  clear_faults();
}

}  // namespace

int main() {
  every_call_on_a_disk_can_fail();
  writes_in_pieces();
  a_device_that_forgets_is_told();
  a_copy_that_cannot_be_read_is_damaged();
  an_open_device_is_taken_as_it_is();
  the_cache_is_dropped_without_capabilities();
  device_mapper_can_fail_at_every_step();
  return finish();
}
