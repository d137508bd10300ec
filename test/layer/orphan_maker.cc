// Leaves processes behind for PID 1, lets them all exit at the same moment, and reports whether any stays a zombie.
//
//   orphan-maker COUNT
//
// Each orphan is the child of a child that has exited. All of them wait for the gate (a pipe) and exit when it opens; that each
// one has been reaped is seen on its pidfd (POLLHUP, since Linux 6.9: nobody is waiting for it any more). At the end /proc is
// searched for zombies with the orphans' name, which must agree. Prints "orphans COUNT zombies COUNT reaped-after-ms N".
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

constexpr const char* kName = "left-behind";
constexpr int64_t kDeadlineMs = 30'000;

[[noreturn]] void fail(const char* what) {
  fprintf(stderr, "orphan-maker: %s: %s\n", what, strerror(errno));
  exit(1);
}

int64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

// Makes one orphan and gives its pid.
pid_t make_orphan(int gate, int gate_writer, int report[2]) {
  pid_t parent = fork();
  if (parent < 0) fail("fork");
  if (parent == 0) {
    pid_t orphan = fork();
    if (orphan < 0) _exit(1);
    if (orphan == 0) {
      prctl(PR_SET_NAME, kName);
      close(gate_writer);
      char nothing;
      while (read(gate, &nothing, 1) < 0 && errno == EINTR) {
      }
      _exit(0);
    }
    _exit(write(report[1], &orphan, sizeof orphan) == sizeof orphan ? 0 : 1);
  }
  int status = 0;
  pid_t orphan = 0;
  if (waitpid(parent, &status, 0) != parent || status != 0) fail("waitpid");
  if (read(report[0], &orphan, sizeof orphan) != sizeof orphan) fail("read");
  return orphan;
}

// The processes cannot be gone yet: the gate is still shut. Not opened while there is more to fork: each child would inherit them
// all.
std::vector<int> open_handles(const std::vector<pid_t>& orphans) {
  std::vector<int> handles;
  for (pid_t orphan : orphans) {
    handles.push_back(static_cast<int>(syscall(SYS_pidfd_open, orphan, 0)));
    if (handles.back() < 0) fail("pidfd_open");
  }
  return handles;
}

// Waits until every process has been reaped, one after the other; false when the time is over.
bool wait_until_reaped(const std::vector<int>& handles, int64_t deadline) {
  for (int handle : handles) {
    // Nothing is asked for but POLLHUP, which is always told: POLLIN would be true of a zombie, too.
    pollfd process{handle, 0, 0};
    while ((process.revents & POLLHUP) == 0) {
      int64_t left = deadline - now_ms();
      if (left <= 0) return false;
      if (poll(&process, 1, static_cast<int>(left)) < 0 && errno != EINTR) fail("poll");
    }
  }
  return true;
}

int count_zombies() {
  DIR* proc = opendir("/proc");
  if (proc == nullptr) fail("opendir");
  int zombies = 0;
  while (dirent* entry = readdir(proc)) {
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    char path[300];
    char text[512];
    snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    if (got <= 0) continue;
    text[got] = '\0';
    const char* name_end = strrchr(text, ')');
    if (name_end != nullptr && strstr(text, kName) != nullptr && strncmp(name_end, ") Z", 3) == 0) zombies++;
  }
  closedir(proc);
  return zombies;
}

}  // namespace

int main(int argc, char** argv) {
  long count = argc > 1 ? strtol(argv[1], nullptr, 10) : 0;
  if (count < 1) return 2;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) fail("getrlimit");
  files.rlim_cur = files.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) fail("setrlimit");
  int gate[2];
  int report[2];
  if (pipe2(gate, O_CLOEXEC) != 0 || pipe2(report, O_CLOEXEC) != 0) fail("pipe2");

  std::vector<pid_t> orphans;
  for (long made = 0; made < count; made++) orphans.push_back(make_orphan(gate[0], gate[1], report));
  std::vector<int> handles = open_handles(orphans);
  int64_t opened = now_ms();
  close(gate[1]);
  bool reaped = wait_until_reaped(handles, opened + kDeadlineMs);
  int zombies = count_zombies();
  printf("orphans %ld zombies %d reaped-after-ms %lld\n", count, zombies, static_cast<long long>(now_ms() - opened));
  return reaped && zombies == 0 ? 0 : 1;
}
