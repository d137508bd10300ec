// Files beneath a folder against a real file system in a folder of this program's own: what is opened, what is refused and in
// which words, races with renames, and every failure of a system call on the way.
#include "files/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstring>
#include <thread>

#include "test/fault.h"
#include "test/tap.h"

namespace {

using namespace talos::files;
using namespace talos::test;
using talos::Error;
using talos::Result;
using talos::UniqueFd;

constexpr const char* kOutside = "outside";
const std::vector<int> kErrnos = {EMFILE, ENOMEM, EIO, EINTR, EAGAIN};

// root/ is what the calls are given; outside/ lies beside it.
struct Fixture {
  std::string folder;
  UniqueFd root;

  Fixture() {
    char name[] = "/tmp/talos-files-XXXXXX";
    folder = ::mkdtemp(name);
    ::umask(022);
    for (const char* each : {"root", "root/sub", "root/sub/deep", kOutside}) ::mkdir(at(each).c_str(), 0755);
    write("root/file", "inside");
    write("root/sub/file", "below");
    write("outside/secret", "secret");
    ::symlink("file", at("root/link").c_str());
    ::symlink("../outside", at("root/way-out").c_str());
    ::symlink("/etc/passwd", at("root/absolute").c_str());
    ::mkfifo(at("root/fifo").c_str(), 0600);
    root = open_root(at("root")).value();
  }
  ~Fixture() { (void)!std::system(("rm -rf " + folder).c_str()); }

  std::string at(const std::string& path) const { return folder + "/" + path; }
  void write(const std::string& path, const std::string& text) const {
    UniqueFd fd(::open(at(path).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    check(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  std::string read(const std::string& path) const {
    UniqueFd fd(::open(at(path).c_str(), O_RDONLY | O_CLOEXEC));
    char buffer[256];
    ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
    return count < 0 ? "" : std::string(buffer, static_cast<size_t>(count));
  }
};

template <typename T>
void refuses(const Result<T>& result, int errno_value, const char* words, const std::string& what,
             const std::source_location& where = std::source_location::current()) {
  bool right = !result && result.error().errno_value == errno_value && result.error().detail.find(words) != std::string::npos;
  if (!check(right, what, where)) std::printf("# %s\n", result ? "it succeeded" : std::strerror(result.error().errno_value));
}

void opens_what_is_beneath(const Fixture& f) {
  check_equal(read_file(f.root.get(), "file", 100).value(), "inside");
  check_equal(read_file(f.root.get(), "sub/../sub/file", 100).value(), "below", "'..' inside is fine");
  auto sub = open_folder(f.root.get(), "sub");
  check(sub.ok());
  check_equal(read_file(sub.value().get(), "file", 100).value(), "below", "a folder is a root of its own");
  refuses(read_file(sub.value().get(), "../file", 100), EXDEV, "out of its folder", "and nothing above it is reached");
}

void refuses_what_leads_out(const Fixture& f) {
  int root = f.root.get();
  for (const char* path : {"../outside/secret", "..", "sub/../../outside/secret", "/etc/passwd", "/"}) {
    refuses(open_file(root, {.path = path}), EXDEV, "out of its folder", path);
  }
  for (const char* path : {"link", "absolute"}) refuses(open_file(root, {.path = path}), ELOOP, "link", path);
  refuses(open_file(root, {.path = "way-out/secret"}), ELOOP, "links are not followed", "a link on the way");
  for (const char* path : {"sub", ".", "sub/"}) refuses(open_file(root, {.path = path}), EISDIR, "folder", path);
  refuses(open_file(root, {.path = "fifo"}), EINVAL, "FIFO", "a FIFO, without waiting for its other end");
  refuses(open_file(root, {.path = "fifo", .access = Access::kWrite, .creation = Creation::kIfMissing}), EINVAL, "FIFO", "fifo");
  refuses(open_file(root, {.path = "file/x"}), ENOTDIR, "", "a file on the way");
  refuses(open_file(root, {.path = ""}), ENOENT, "", "an empty path");
  refuses(open_file(root, {.path = std::string("file\0x", 6)}), EINVAL, "null byte", "a null byte");
  refuses(open_file(root, {.path = std::string(NAME_MAX + 1, 'x')}), ENAMETOOLONG, "", "a name that is too long");
  std::string deep;
  while (deep.size() < PATH_MAX) deep += "sub/../";
  refuses(open_file(root, {.path = deep + "file"}), ENAMETOOLONG, "", "a path that is too long");
}

void refuses_devices_and_magic_links() {
  auto dev = open_root("/dev");
  refuses(open_file(dev.value().get(), {.path = "null"}), EINVAL, "device", "/dev/null");
  auto proc = open_root("/proc");
  std::string self = std::to_string(::getpid());
  for (const char* name : {"/root/etc/passwd", "/cwd", "/fd/0", "/exe"}) {
    refuses(open_file(proc.value().get(), {.path = self + name}), ELOOP, "link", name);
  }
  refuses(open_file(proc.value().get(), {.path = "self/root/etc/passwd"}), ELOOP, "link", "self is a link itself");
  check(!read_file(proc.value().get(), self + "/status", 100'000).value().empty(), "a file of the kernel, which has no size");
}

void makes_files(const Fixture& f) {
  int root = f.root.get();
  OpenRequest made{.path = "sub/new", .access = Access::kWrite, .creation = Creation::kExclusive, .mode = 0640};
  check_equal(::write(open_file(root, made).value().get(), "abc", 3), 3);
  refuses(open_file(root, made), EEXIST, "", "it is there already");
  check_equal(status(root, "sub/new").value().mode, 0640u);
  OpenRequest append{.path = "sub/new", .access = Access::kAppend, .creation = Creation::kIfMissing};
  check_equal(::write(open_file(root, append).value().get(), "def", 3), 3);
  check_equal(f.read("root/sub/new"), "abcdef");
  auto emptied = open_file(root, {.path = "sub/new", .access = Access::kReadWrite, .truncate = true});
  check_equal(::fcntl(emptied.value().get(), F_GETFL) & (O_NONBLOCK | O_ACCMODE), O_RDWR, "nothing of the caution is left");
  check_equal(status(root, "sub/new").value().size, 0);
  for (const char* path : {"link", "way-out/new", "absolute"}) {
    refuses(open_file(root, {.path = path, .access = Access::kWrite, .creation = Creation::kIfMissing}), ELOOP, "link", path);
  }
  refuses(open_file(root, {.path = "../new", .access = Access::kWrite, .creation = Creation::kIfMissing}), EXDEV, "out",
          "../new");
  check(::access(f.at("outside/new").c_str(), F_OK) == -1);
}

void replaces_whole_files(const Fixture& f) {
  int root = f.root.get();
  check(replace_file(root, "sub/config", "one", 0666).ok());
  check_equal(status(root, "sub/config").value().mode, 0666u, "the mode is what was asked for, whatever the umask");
  check(replace_file(root, "link", "no longer a link", 0600).ok());
  check_equal(status(root, "link").value().kind == FileKind::kFile, true, "a link is replaced and not followed");
  check_equal(f.read("root/file"), "inside");
  ::unlink(f.at("root/link").c_str());
  ::symlink("file", f.at("root/link").c_str());
  refuses(replace_file(root, "sub", "x", 0600), EISDIR, "", "a folder stays");
  refuses(replace_file(root, "way-out/secret", "x", 0600), ELOOP, "link", "a link on the way");
  auto names = read_folder(root, "", 100);
  names = read_folder(root, ".", 100);
  bool is_clean =
      std::none_of(names.value().begin(), names.value().end(), [](const Entry& e) { return e.name.starts_with(".talos-"); });
  check(is_clean, "nothing is left beside it");
}

void looks_and_changes(const Fixture& f) {
  int root = f.root.get();
  auto entries = read_folder(root, ".", 100).value();
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  std::string listed;
  for (const Entry& entry : entries) listed += entry.name + std::to_string(static_cast<int>(entry.kind)) + " ";
  check_equal(listed, "absolute3 fifo4 file1 link3 sub2 way-out3 ");
  refuses(read_folder(root, ".", 3), EOVERFLOW, "more than 3", "a folder with too much in it");
  check(status(root, "link").value().kind == FileKind::kLink, "the link itself");
  check_equal(read_link(root, "way-out").value(), "../outside");
  refuses(read_link(root, "file"), EINVAL, "", "no link");
  refuses(read_link(root, "way-out/x"), ELOOP, "link", "a link beyond a link");

  check(make_folder(root, "sub/made", 0700).value());
  check(!make_folder(root, "sub/made", 0700).value(), "it was there");
  check(rename(root, "sub/made", "sub/moved", false).ok());
  refuses(rename(root, "sub/moved", "sub/deep", false), EEXIST, "", "something is there");
  check(rename(root, "sub/moved", "sub/deep", true).ok(), "an empty folder may be replaced");
  refuses(rename(root, "file", "../outside/file", true), EXDEV, "out", "out of the folder");
  refuses(rename(root, "../outside/secret", "here", true), EXDEV, "out", "into the folder");
  refuses(rename(root, "file", "way-out/file", true), ELOOP, "link", "through a link");
  refuses(remove(root, "sub/deep", false), EISDIR, "", "a folder is no file");
  check(remove(root, "sub/deep", true).ok());
  refuses(remove(root, "sub", true), ENOTEMPTY, "", "not empty");
  refuses(remove(root, "way-out/secret", false), ELOOP, "link", "through a link");
  for (const char* path : {".", "..", "sub/..", "sub/", "", "/"}) refuses(remove(root, path, true), EINVAL, "no name", path);
  refuses(make_folder(root, "/made", 0700), EXDEV, "out", "an absolute path");
  check_equal(f.read("outside/secret"), "secret");
  refuses(read_file(root, "file", 5), EFBIG, "more than 5", "too large");
  check_equal(read_file(root, "file", 6).value(), "inside", "just fits");
}

void looks_at_many(const Fixture& f) {
  int root = f.root.get();
  f.write("root/\xff\xfe", "odd");
  auto names = list_names(root, ".", 100).value();
  check(std::is_sorted(names.begin(), names.end()) && names.size() == 7, "all of them, in order");
  check_equal(names.back(), "\xff\xfe", "a name is bytes");
  refuses(list_names(root, ".", 3), EOVERFLOW, "more than 3", "a folder with too much in it");
  refuses(list_names(root, "way-out", 3), ELOOP, "link", "through a link");
  refuses(list_names(root, "file", 3), ENOTDIR, "", "no folder");
  names.push_back("gone");
  auto seen = look_at(root, ".", names).value();
  std::string told;
  for (size_t i = 0; i < seen.size(); i++) {
    told += names[i] + ":" + std::to_string(static_cast<int>(seen[i].status.kind)) + seen[i].target + " ";
  }
  check_equal(told, "absolute:3/etc/passwd fifo:4 file:1 link:3file sub:2 way-out:3../outside \xff\xfe:1 gone:0 ");
  check_equal(seen.back().errno_value, ENOENT, "one that is gone does not hide the others");
  check(seen[2].status.size == 6 && seen[2].status.inode == status(root, "file").value().inode);
  for (const char* name : {"..", ".", "", "sub/file", "../outside/secret"}) {
    refuses(look_at(root, ".", {name}), EINVAL, "not one name", name);
  }
  refuses(look_at(root, "way-out", {"secret"}), ELOOP, "link", "through a link");
  refuses(look_at(root, "..", {"outside"}), EXDEV, "out of its folder", "above it");
  ::unlink(f.at("root/\xff\xfe").c_str());
}

std::string told(const Result<std::vector<Attribute>>& found) {
  std::string text;
  for (const Attribute& each : found.value()) {
    // What the machine's own security module gives every file is of no interest.
    if (each.name.starts_with("user.")) text += each.name + "=" + each.value + " ";
  }
  return text;
}

void reads_attributes(const Fixture& f) {
  int root = f.root.get();
  check_equal(told(attributes(root, "file", 1000)), "", "none");
  ::setxattr(f.at("root/file").c_str(), "user.one", "1\0", 2, 0);
  ::setxattr(f.at("root/file").c_str(), "user.empty", "", 0, 0);
  ::setxattr(f.at("root/sub").c_str(), "user.folder", "f", 1, 0);
  std::string large(4000, 'x');
  ::setxattr(f.at("root/sub/file").c_str(), "user.large", large.data(), large.size(), 0);
  check_equal(told(attributes(root, "sub", 1000)), "user.folder=f ", "of a folder");
  auto found = attributes(root, "file", 1000).value();
  std::sort(found.begin(), found.end(), [](const Attribute& a, const Attribute& b) { return a.name < b.name; });
  check(found.size() >= 2);
  check_equal(told(Result<std::vector<Attribute>>(found)), std::string("user.empty= user.one=1\0 ", 24), "bytes, and none");
  check_equal(told(attributes(root, "link", 1000)), "", "of the link itself, not of what it leads to");
  check_equal(told(attributes(root, "fifo", 1000)), "", "of what must not be opened");
  check(attributes(root, "sub/file", 4100).ok());
  refuses(attributes(root, "sub/file", 4009), EOVERFLOW, "more than 4009 bytes", "more than was wanted");
  refuses(attributes(root, "way-out/secret", 1000), ELOOP, "link", "through a link");
  refuses(attributes(root, "../outside/secret", 1000), EXDEV, "out of its folder", "above it");
  refuses(attributes(root, "gone", 1000), ENOENT, "", "what is not there");
  UniqueFd proc = open_root("/proc").value();
  check(attributes(proc.get(), "version", 1000).ok(), "what the kernel makes up");
}

// A name that is a folder, then a link to the outside, then a folder again: whatever is opened must be inside.
void holds_against_renames(const Fixture& f) {
  ::mkdir(f.at("root/swap").c_str(), 0755);
  f.write("root/swap/secret", "harmless");
  ::symlink("../outside", f.at("root/swap-link").c_str());
  constexpr int kRounds = 10'000;
  std::atomic<bool> stop{false};
  std::thread swapper([&] {
    while (!stop) {
      (void)::renameat2(AT_FDCWD, f.at("root/swap").c_str(), AT_FDCWD, f.at("root/swap-link").c_str(), RENAME_EXCHANGE);
    }
  });
  int inside = 0, refused = 0, wrong = 0;
  for (int round = 0; round < kRounds; round++) {
    auto text = read_file(f.root.get(), "swap/secret", 100);
    if (text && text.value() == "harmless") {
      inside++;
    } else if (!text && (text.error().errno_value == ELOOP || text.error().errno_value == EAGAIN)) {
      refused++;
    } else {
      wrong++;
    }
  }
  stop = true;
  swapper.join();
  check_equal(wrong, 0, "never the file outside");
  check(inside > 0 && refused > 0, "both turns were met");
}

void retries_and_gives_up(const Fixture& f) {
  fail_call("openat2", 1, EAGAIN);
  check(read_file(f.root.get(), "file", 100).ok(), "a rename in the way is walked again");
  clear_faults();
  fail_always("openat2", EAGAIN);
  refuses(open_file(f.root.get(), {.path = "file"}), EAGAIN, "renamed", "but not for ever");
  clear_faults();
  fail_always("openat2", ENOSYS);
  refuses(open_file(f.root.get(), {.path = "file"}), ENOSYS, "5.6", "an old kernel");
  clear_faults();
  // The file is there when it is to be made, and gone when it is to be opened.
  int turn = 0;
  answer_always("openat2", [&turn](Call& call) { return call.fail(turn++ % 2 == 0 ? EEXIST : ENOENT); });
  OpenRequest request{.path = "game", .access = Access::kWrite, .creation = Creation::kIfMissing};
  refuses(open_file(f.root.get(), request), ENOENT, "", "a game is not played for ever");
  check(turn < 100);
  clear_faults();
  // It was a file when it was looked at, and is a device when it is opened.
  answer_call("fstat", 2, [](Call& call) {
    long done = call.pass();
    call.pointer<struct stat>(1)->st_mode = S_IFCHR;
    return done;
  });
  refuses(open_file(f.root.get(), {.path = "file"}), EINVAL, "device", "looked at again");
  check(clear_faults());
  shorten_call("pread", 1, 2);
  check_equal(read_file(f.root.get(), "file", 100).value(), "inside", "a short read");
  shorten_call("write", 1, 1);
  check(replace_file(f.root.get(), "short", "written", 0600).ok());
  check_equal(f.read("root/short"), "written", "a short write");
  ::unlink(f.at("root/short").c_str());
}

void survives_failures(const Fixture& f) {
  int root = f.root.get();
  // A walk is tried again after EAGAIN, as after EINTR.
  const std::vector<Tolerated> walked = {{"openat2", EAGAIN}};
  fail_each([&] { return open_file(root, {.path = "file"}); }, kErrnos, walked);
  fail_each([&] { return read_file(root, "file", 100); }, kErrnos, walked);
  fail_each([&] { return open_folder(root, "sub"); }, kErrnos, walked);
  fail_each([&] { return status(root, "file"); }, kErrnos, walked);
  fail_each([&] { return read_link(root, "link"); }, kErrnos, walked);
  fail_each([&] { return read_folder(root, ".", 100); }, kErrnos, walked);
  fail_each([&] { return list_names(root, ".", 100); }, kErrnos, walked);
  // What one name is, is told with that name.
  fail_each([&] { return look_at(root, ".", {"file", "link"}); }, kErrnos, {{"openat2", EAGAIN}, {"fstatat"}, {"readlinkat"}});
  for (const char* call : {"fstatat", "readlinkat"}) {
    fail_call(call, 1, EIO);
    check_equal(look_at(root, ".", {"link"}).value()[0].errno_value, EIO, call);
    clear_faults();
  }
  fail_each([&] { return attributes(root, "file", 1000); }, kErrnos, walked);
  for (const char* call : {"listxattr", "getxattr"}) {
    fail_call(call, 1, EOPNOTSUPP);
    check(attributes(root, "file", 1000).ok(), "none is no failure");
    clear_faults();
  }
  fail_each([&] { return replace_file(root, "config", "text", 0600); }, kErrnos, walked);
  fail_each([&] { return open_root("/tmp"); }, kErrnos);
  auto make = [&]() -> Result<void> {
    ::rmdir(f.at("root/made").c_str());
    auto made = make_folder(root, "made", 0755);
    return made ? Result<void>() : Result<void>(made.error());
  };
  // What the scenario does to clean up is not of interest.
  const std::vector<Tolerated> prepared = {{"openat2", EAGAIN}, {"rmdir"}, {"rename"}};
  fail_each(make, kErrnos, prepared);
  auto move = [&]() -> Result<void> {
    {
      FaultsPaused pause;
      f.write("root/a", "");
    }
    return rename(root, "a", "b", true);
  };
  fail_each(move, kErrnos, prepared);
  auto removing = [&]() -> Result<void> {
    {
      FaultsPaused pause;
      f.write("root/a", "");
    }
    return remove(root, "a", false);
  };
  fail_each(removing, kErrnos, prepared);
}

}  // namespace

int main() {
  Fixture fixture;
  size_t before = open_descriptors();
  opens_what_is_beneath(fixture);
  refuses_what_leads_out(fixture);
  refuses_devices_and_magic_links();
  looks_and_changes(fixture);
  looks_at_many(fixture);
  reads_attributes(fixture);
  makes_files(fixture);
  replaces_whole_files(fixture);
  holds_against_renames(fixture);
  retries_and_gives_up(fixture);
  survives_failures(fixture);
  check_equal(open_descriptors(), before, "no descriptor is left open");
  return finish();
}
