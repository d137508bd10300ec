// The texts of control files: what the kernel writes, what it never would, and what we write.
#include <cmath>
#include <string>
#include <vector>

#include "cgroup/control_text.h"
#include "cgroup/events.h"
#include "cgroup/limits.h"
#include "cgroup/stats.h"
#include "test/tap.h"

namespace {

using namespace talos::cgroup;
using talos::test::check;
using talos::test::check_equal;

constexpr std::string_view kCpuStat =
    "usage_usec 123456\nuser_usec 100000\nsystem_usec 23456\nnice_usec 0\ncore_sched.force_idle_usec 0\n"
    "nr_periods 7\nnr_throttled 3\nthrottled_usec 99\nnr_bursts 0\nburst_usec 0\n";
constexpr std::string_view kIoStat =
    "8:0 rbytes=4096 wbytes=100 rios=1 wios=2 dbytes=0 dios=0 cost.vrate=100.00 cost.usage=12\n"
    "259:0 253:1 rbytes=10 wbytes=20 rios=30 wios=40 dbytes=50 dios=60\n7:0 \n";
constexpr std::string_view kPressure =
    "some avg10=1.50 avg60=0.25 avg300=100.00 total=123456789\nfull avg10=0.01 avg60=0.00 avg300=0.00 total=5\n";

// Where the text stopped making sense; -1 when it did not.
long offset_of(const Malformed& malformed) { return malformed ? static_cast<long>(*malformed) : -1; }

const StatSet& set_of(std::string_view file) {
  for (const StatSet& set : kStatSets) {
    if (file == set.file) return set;
  }
  std::abort();
}

std::vector<double> parsed(std::string_view file, std::string_view text) {
  const StatSet& set = set_of(file);
  std::vector<double> values(set.values, -1);
  check_equal(offset_of(set.parse(text, values.data())), -1, file);
  return values;
}

void reads_numbers() {
  size_t length;
  check_equal(take_number("0", length), 0u);
  check_equal(length, 1u);
  check_equal(take_number("18446744073709551615 x", length), UINT64_MAX);
  check_equal(length, 20u);
  check_equal(take_number("00000000000000000000000000007", length), 7u, "zeros in front do not count");
  for (const char* bad : {"", "x", "-1", " 1", "18446744073709551616", "99999999999999999999999"}) {
    take_number(bad, length);
    check_equal(length, 0u, bad);
  }
  double value = -1;
  check_equal(offset_of(parse_single("4096\n", &value)), -1);
  check_equal(value, 4096.0);
  check_equal(offset_of(parse_single("4096", &value)), -1, "a newline is not asked for");
  check_equal(offset_of(parse_single("max\n", &value)), 0);
  check_equal(offset_of(parse_single("", &value)), 0);
  check_equal(offset_of(parse_single("12x\n", &value)), 2);
  check_equal(offset_of(parse_single("12\n3\n", &value)), 3);
}

void reads_flat_files() {
  check(parsed("cpu.stat", kCpuStat) == std::vector<double>{123456, 100000, 23456, 7, 3, 99});
  check(parsed("cpu.stat", "throttled_usec 9\nusage_usec 1\n") == std::vector<double>{1, 0, 0, 0, 0, 9}, "in any order");
  check(parsed("cpu.stat", "") == std::vector<double>(6, 0));
  check(parsed("cpu.stat", "usage_usec_x 5\nusage 6\n") == std::vector<double>(6, 0), "no part of a key");
  check(parsed("memory.events", "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\n") ==
        std::vector<double>{1, 2, 3, 4, 5, 6});
  check(
      parsed("memory.stat", "anon 1\nfile 2\nkernel 3\nkernel_stack 9\nshmem 4\nslab_reclaimable 5\npgfault 6\npgmajfault 7\n") ==
      std::vector<double>{1, 2, 3, 4, 0, 0, 0, 0, 5, 0, 6, 7});
  double values[6];
  const StatSet& cpu = set_of("cpu.stat");
  check_equal(offset_of(cpu.parse("usage_usec 1\nuser_usec\n", values)), 22, "a key without a value");
  check_equal(offset_of(cpu.parse("usage_usec -1\n", values)), 11);
  check_equal(offset_of(cpu.parse("usage_usec 1 2\n", values)), 12);
  check_equal(offset_of(cpu.parse("\n", values)), 0);
}

void adds_devices_up() {
  check(parsed("io.stat", kIoStat) == std::vector<double>{4106, 120, 31, 42, 50, 60});
  check(parsed("io.stat", "") == std::vector<double>(6, 0));
  double values[6];
  const StatSet& io = set_of("io.stat");
  check_equal(offset_of(io.parse("8:0 rbytes=1 nonsense\n", values)), 13);
  check_equal(offset_of(io.parse("8:0 rbytes=x\n", values)), 11);
  check_equal(offset_of(io.parse("8:0 rbytes=1.5\n", values)), 12);
}

void reads_pressure() {
  std::vector<double> values = parsed("memory.pressure", kPressure);
  check(values == std::vector<double>{1.5, 0.25, 100, 123456789, 0.01, 0, 0, 5});
  check(parsed("cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n") == std::vector<double>{0, 0, 0, 1, 0, 0, 0, 0},
        "cpu.pressure of old kernels has one line");
  double out[kPressureValues];
  for (const auto& [text, offset] :
       {std::pair("any avg10=0.00", 0), std::pair("some avg10=0.0 avg60", 14), std::pair("some avg10=0 avg60", 12),
        std::pair("some avg60=0.00", 10), std::pair("some avg10=0.00 avg60=0.00 avg300=0.00 total=\n", 45)}) {
    check_equal(offset_of(parse_pressure(text, out)), offset, text);
  }
}

void lays_rows_out() {
  check_equal(row_size(0), 0u);
  check_equal(row_size(0b111), 8u, "cpu, memory, pids");
  check_equal(row_size(kAllSets), 6u + 1 + 1 + 12 + 6 + 1 + 6 + 3 * 8);
}

std::string written(const Limits& limits) {
  std::string all;
  for (const auto& [file, text] : plan_limits(limits)) all += std::string(file) + "=" + text + ";";
  return all;
}

void plans_limits() {
  check_equal(written({}), "");
  check_equal(written({.memory_max = -1, .pids_max = 0}), "memory.max=max;pids.max=0;");
  check_equal(written({.memory_oom_group = 1, .cpu_weight = 79}), "memory.oom.group=1;cpu.weight=79;");
  check_equal(written({.cpu_max_usec = 50000}), "cpu.max=50000;");
  check_equal(written({.cpu_max_usec = -1, .cpu_period_usec = 20000}), "cpu.max=max 20000;");
  check_equal(written({.cpu_period_usec = 20000}), "", "a period alone says nothing");
  check_equal(written({.cpuset_cpus = "0-1", .cpuset_mems = ""}), "cpuset.cpus=0-1\n;cpuset.mems=\n;");
  check_equal(written({.io_max = {{.major = 8, .minor = 16, .read_bytes_per_second = 1000},
                                  {.major = 7, .minor = 0, .write_operations_per_second = 5}}}),
              "io.max=8:16 rbps=1000 wbps=max riops=max wiops=max;io.max=7:0 rbps=max wbps=max riops=max wiops=5;");
}

void knows_event_files() {
  check_equal(find_event_file("cgroup.events")->keys.size(), 2u);
  check_equal(find_event_file("memory.events.local")->keys.size(), 6u);
  check(find_event_file("cgroup.procs") == nullptr);
  check_equal(trigger_text({.resource = "io", .is_full = true, .stall_usec = 150000, .window_usec = 1000000}),
              "full 150000 1000000");
}

}  // namespace

int main() {
  reads_numbers();
  reads_flat_files();
  adds_devices_up();
  reads_pressure();
  lays_rows_out();
  plans_limits();
  knows_event_files();
  for (std::string_view text : {kCpuStat, kIoStat, kPressure, std::string_view("4096\n")}) {
    talos::test::survive_damage(text, [](std::string_view damaged) {
      double values[16];
      for (const StatSet& set : kStatSets) (void)set.parse(damaged, values);
    });
  }
  return talos::test::finish();
}
