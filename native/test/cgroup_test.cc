#include "cgroup/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/tap.h"

namespace {

using talos::cgroup::find_keyed_number;
using talos::cgroup::parse_number;
using talos::test::check;
using talos::test::check_equal;

constexpr const char* kCpuStat = "usage_usec 123456\nuser_usec 100000\nsystem_usec 23456\nnr_periods 0\n";

void reads_control_files() {
  check_equal(find_keyed_number(kCpuStat, "usage_usec"), 123456u);
  check_equal(find_keyed_number(kCpuStat, "nr_periods"), 0u);
  check_equal(find_keyed_number(kCpuStat, "usec"), 0u, "no part of a key");
  check_equal(find_keyed_number("usage_usec 7", "usage_usec"), 7u);
  check_equal(find_keyed_number("", "usage_usec"), 0u);
  check_equal(parse_number("18446744073709551615\n"), UINT64_MAX);
  for (const char* bad : {"", "max\n", "-1\n", "12x\n", "18446744073709551616\n"}) check_equal(parse_number(bad), 0u, bad);
}

// On an ordinary folder: what is checked is where paths lead, not what the kernel does with groups.
class Folder {
 public:
  Folder() { check(::mkdtemp(path_) != nullptr); }
  ~Folder() {
    for (const char* name : {"/group/child", "/group", "/link"}) {
      if (::rmdir((path() + name).c_str()) != 0) ::unlink((path() + name).c_str());
    }
    ::rmdir(path_);
  }
  [[nodiscard]] std::string path() const { return path_; }

 private:
  char path_[32] = "/tmp/talos-cgroup-XXXXXX";
};

int error_of(const talos::Result<talos::UniqueFd>& result) { return result ? 0 : result.error().errno_value; }

void creates_beneath_the_root_only() {
  using talos::cgroup::create;
  Folder folder;
  check(create(folder.path(), "group").ok());
  check(create(folder.path(), "group").ok(), "one that is there is opened");
  check(create(folder.path(), "group/child").ok());
  check_equal(error_of(create(folder.path(), "missing/child")), ENOENT);
  check_equal(error_of(create(folder.path(), "../escape")), EXDEV);
  check_equal(error_of(create(folder.path(), "/etc/escape")), EXDEV);
  check_equal(error_of(create(folder.path(), "group/..")), EINVAL);
  check_equal(error_of(create(folder.path(), "")), EINVAL);
  check(::symlink("/etc", (folder.path() + "/link").c_str()) == 0);
  check_equal(error_of(create(folder.path(), "link/escape")), ELOOP);
  check_equal(error_of(create(folder.path(), "link")), ELOOP);
  auto busy = talos::cgroup::remove(folder.path(), "group");
  check(!busy && busy.error().errno_value == ENOTEMPTY && busy.error().path == "group");
  check(talos::cgroup::remove(folder.path(), "group/child").ok());
  check(talos::cgroup::remove(folder.path(), "group").ok());
}

void takes_missing_values_for_zero() {
  Folder folder;
  auto group = talos::cgroup::create(folder.path(), "group");
  check(group.ok());
  int fd = group.value().get();
  auto stats = talos::cgroup::read_stats(std::span(&fd, 1));
  check_equal(stats.size(), 1u);
  check_equal(stats[0].cpu_usage_usec + stats[0].memory_current_bytes + stats[0].pids_current, 0u);
  auto limit = talos::cgroup::set_limits(fd, {.memory_max = 1});
  check(!limit && limit.error().errno_value == ENOENT && limit.error().path == "memory.max");
  check(talos::cgroup::set_limits(fd, {}).ok());
}

}  // namespace

int main() {
  reads_control_files();
  creates_beneath_the_root_only();
  takes_missing_values_for_zero();
  talos::test::survive_damage(kCpuStat, [](std::string_view text) { (void)find_keyed_number(text, "usage_usec"); });
  return talos::test::finish();
}
