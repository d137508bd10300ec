#include "cgroup/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/tap.h"

namespace {

using talos::test::check;
using talos::test::check_equal;

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

void names_the_file_of_a_failed_write() {
  Folder folder;
  auto group = talos::cgroup::create(folder.path(), "group");
  check(group.ok());
  int fd = group.value().get();
  for (const auto& [written, file] :
       {std::pair(talos::cgroup::kill(fd), "cgroup.kill"), std::pair(talos::cgroup::set_frozen(fd, true), "cgroup.freeze"),
        std::pair(talos::cgroup::add_process(fd, 1), "cgroup.procs")}) {
    check(!written && written.error().errno_value == ENOENT && written.error().path == file, file);
  }
}

}  // namespace

int main() {
  creates_beneath_the_root_only();
  names_the_file_of_a_failed_write();
  return talos::test::finish();
}
