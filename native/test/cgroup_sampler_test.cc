// Statistics from ordinary files in ordinary folders: what is read, what is kept open, and what a missing file does.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "cgroup/events.h"
#include "cgroup/limits.h"
#include "cgroup/sampler.h"
#include "sys/cgroup_calls.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using namespace talos::cgroup;
using talos::test::check;
using talos::test::check_equal;
using talos::test::open_descriptors;

constexpr uint32_t kMemory = 1 << 1;
constexpr uint32_t kPids = 1 << 2;
constexpr uint32_t kIo = 1 << 6;

class Group {
 public:
  Group() {
    check(::mkdtemp(path_) != nullptr);
    fd_.reset(::open(path_, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  ~Group() { std::filesystem::remove_all(path_); }

  Group& write(const char* file, const std::string& text) {
    std::ofstream(std::string(path_) + "/" + file) << text;
    return *this;
  }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  char path_[32] = "/tmp/talos-sampler-XXXXXX";
  talos::UniqueFd fd_;
};

void reads_once() {
  Group full;
  Group empty;
  full.write("memory.current", "4096\n").write("pids.current", "3\n");
  int fds[] = {full.fd(), empty.fd()};
  double rows[4] = {};
  size_t before = open_descriptors();
  check(read_stats(fds, kMemory | kPids, rows).ok());
  check(rows[0] == 4096 && rows[1] == 3);
  check(std::isnan(rows[2]) && std::isnan(rows[3]), "what is not there is NaN");
  check_equal(open_descriptors(), before);
  empty.write("pids.current", "many\n");
  auto failed = read_stats(fds, kPids, rows);
  check(!failed && failed.error().errno_value == EBADMSG && failed.error().path == "pids.current");
  check_equal(failed.error().detail, "unexpected text at byte 0");
}

void keeps_files_open() {
  Group first;
  Group second;
  first.write("memory.current", "1\n").write("pids.current", "2\n");
  second.write("memory.current", "3\n");
  size_t before = open_descriptors();
  {
    Sampler sampler(kMemory | kPids, 10);
    check_equal(sampler.add(first.fd()).value(), 0u);
    check_equal(sampler.add(second.fd()).value(), 1u);
    check_equal(sampler.descriptors(), 3u, "a file that is not there costs nothing");
    check_equal(open_descriptors(), before + 3);
    double values[4];
    check(sampler.sample(values).ok());
    check(values[0] == 1 && values[1] == 2 && values[2] == 3 && std::isnan(values[3]));
    first.write("memory.current", "5\n");
    check(sampler.sample(values).ok() && values[0] == 5, "read anew each time");
    check(sampler.remove(0));
    check(!sampler.remove(0) && !sampler.remove(7));
    check_equal(sampler.descriptors(), 1u);
    check(sampler.sample(values).ok() && std::isnan(values[0]) && std::isnan(values[1]) && values[2] == 3);
    check_equal(sampler.add(second.fd()).value(), 0u, "its row is given to the next");
    check(sampler.sample(values).ok() && values[0] == 3);
  }
  check_equal(open_descriptors(), before);
}

void keeps_its_bound() {
  Group group;
  group.write("memory.current", "1\n").write("pids.current", "2\n");
  size_t before = open_descriptors();
  Sampler sampler(kMemory | kPids, 3);
  check(sampler.add(group.fd()).ok());
  auto refused = sampler.add(group.fd());
  check(!refused && refused.error().errno_value == EMFILE && refused.error().path == "pids.current");
  check_equal(sampler.rows(), 1u);
  check_equal(open_descriptors(), before + 2, "nothing of it stays open");
}

void grows_its_buffer() {
  Group group;
  std::string text;
  for (int device = 0; device < 1000; device++) text += "8:" + std::to_string(device) + " rbytes=1 wbytes=2 rios=3 wios=4\n";
  group.write("io.stat", text);
  Sampler sampler(kIo, 10);
  check(sampler.add(group.fd()).ok());
  double values[6];
  check(sampler.sample(values).ok());
  check(values[0] == 1000 && values[1] == 2000 && values[2] == 3000 && values[3] == 4000);
  group.write("io.stat", std::string(2 << 20, '1'));
  auto endless = sampler.sample(values);
  check(!endless && endless.error().errno_value == EMSGSIZE);
}

void reads_counters() {
  Group group;
  group.write("cgroup.events", "populated 1\nfrozen 0\n");
  auto reader = EventReader::open(group.fd(), *find_event_file("cgroup.events"));
  check(reader.ok());
  double values[2];
  check(reader.value().read(values).value() && values[0] == 1 && values[1] == 0);
  group.write("cgroup.events", "populated\n");
  auto failed = reader.value().read(values);
  check(!failed && failed.error().errno_value == EBADMSG);
  auto missing = EventReader::open(group.fd(), *find_event_file("memory.events"));
  check(!missing && missing.error().errno_value == ENOENT && missing.error().path == "memory.events");
  auto trigger = open_pressure_trigger(group.fd(), {.resource = "memory", .stall_usec = 1, .window_usec = 2});
  check(!trigger && trigger.error().path == "memory.pressure");
}

void survives_every_failing_call() {
  Group group;
  group.write("memory.current", "1\n").write("pids.current", "2\n").write("cgroup.events", "populated 1\nfrozen 0\n");
  group.write("memory.max", "").write("cpu.pressure", "").write("cgroup.kill", "");
  const std::vector<int> errnos = {EMFILE, ENOMEM, EIO, EINTR};
  int fd = group.fd();
  talos::test::fail_each(
      [fd]() -> talos::Result<void> {
        double row[2];
        return read_stats(std::span(&fd, 1), kMemory | kPids, row);
      },
      errnos);
  talos::test::fail_each(
      [fd]() -> talos::Result<void> {
        Sampler sampler(kMemory | kPids, 10);
        double row[2];
        if (auto added = sampler.add(fd); !added) return added.error();
        return sampler.sample(row);
      },
      errnos);
  talos::test::fail_each(
      [fd]() -> talos::Result<bool> {
        auto reader = EventReader::open(fd, *find_event_file("cgroup.events"));
        if (!reader) return reader.error();
        double values[2];
        return reader.value().read(values);
      },
      errnos);
  talos::test::fail_each([fd] { return set_limits(fd, {.memory_max = 1}); }, errnos);
  talos::test::fail_each([fd] { return open_pressure_trigger(fd, {.resource = "cpu", .stall_usec = 1, .window_usec = 2}); },
                         errnos);
}

void takes_a_vanished_group_for_absent() {
  Group group;
  group.write("memory.current", "1\n").write("cgroup.events", "populated 1\nfrozen 0\n");
  Sampler sampler(kMemory, 10);
  check(sampler.add(group.fd()).ok());
  double values[2];
  talos::test::fail_call("pread", 1, ENODEV);
  check(sampler.sample(values).ok() && std::isnan(values[0]));
  talos::test::fail_call("pread", 1, EOPNOTSUPP);
  check(sampler.sample(values).ok() && std::isnan(values[0]), "a kernel that counts no pressure");
  check(sampler.sample(values).ok() && values[0] == 1);
  auto reader = EventReader::open(group.fd(), *find_event_file("cgroup.events"));
  talos::test::fail_call("pread", 1, ENODEV);
  auto gone = reader.value().read(values);
  check(gone.ok() && !gone.value());
  talos::test::fail_call("getrlimit", 1, EINVAL);
  check_equal(talos::sys::descriptor_limit(), size_t{1} << 20);
  check(talos::sys::descriptor_limit() > 0);
}

}  // namespace

int main() {
  reads_once();
  keeps_files_open();
  keeps_its_bound();
  grows_its_buffer();
  reads_counters();
  survives_every_failing_call();
  takes_a_vanished_group_for_absent();
  return talos::test::finish();
}
