// What the tests and benchmarks of reapers run: processes that end in every way there is. Static, without a shell.
//
//   reaper-storm orphans COUNT [MIX]  leaves at least COUNT orphans behind in waves; prints what became of them. MIX: plain, all
//   reaper-storm exit CODE            reaper-storm signal NUMBER          ends like that
//   reaper-storm fuse FOLDER          a file system that never answers; prints "ready" and, when somebody asks it, "asked"
//   reaper-storm stat PATH            asks
//
// A wave: all of its orphans are made and wait at a gate; it opens, they end, and what counts is the time from the last end (the
// end of a pipe that all of them hold) until there is none of them any more, not even as a zombie (kill(2) says ESRCH).
#include <dirent.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

namespace {

constexpr size_t kWave = 250;
constexpr int64_t kDeadlineNs = 30'000'000'000;

[[noreturn]] void fail(const char* what) {
  fprintf(stderr, "reaper-storm: %s: %s\n", what, strerror(errno));
  _exit(99);
}

int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

struct Pipe {
  int read = -1;
  int write = -1;
};

Pipe open_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe2");
  return {ends[0], ends[1]};
}

struct Wave {
  Pipe gate = open_pipe();   // shut while the maker has the writing end
  Pipe alive = open_pipe();  // ends with the last orphan
  Pipe ready = open_pipe();  // gets the pid of each, see report()

  void close_all() const {
    for (int end : {gate.read, gate.write, alive.read, alive.write, ready.read, ready.write}) close(end);
  }
};

pid_t fork_or_fail() {
  pid_t child = fork();
  if (child < 0) fail("fork");
  return child;
}

// Below zero: it has to be killed, for it does not see the gate.
void report(const Wave& wave, int sign = 1) {
  pid_t self = sign * getpid();
  if (write(wave.ready.write, &self, sizeof self) != sizeof self) fail("write");
}

void wait_at_gate(const Wave& wave) {
  char nothing;
  while (read(wave.gate.read, &nothing, 1) < 0 && errno == EINTR) {
  }
}

// What an orphan does; it has just been forked by a process that is about to exit.
[[noreturn]] void be_plain(const Wave& wave) {
  report(wave);
  wait_at_gate(wave);
  _exit(0);
}

// The next one is its own child, and an orphan once more.
[[noreturn]] void be_first_of_two(const Wave& wave) {
  report(wave);
  if (fork_or_fail() == 0) be_plain(wave);
  _exit(0);
}

const Wave* wave_of_thread;

void* outlive_leader(void*) {
  report(*wave_of_thread);
  wait_at_gate(*wave_of_thread);
  syscall(SYS_exit_group, 0);
  return nullptr;
}

// The leader's thread ends first: a zombie that nobody can reap until the other thread has ended, too.
[[noreturn]] void be_leaderless(const Wave& wave) {
  wave_of_thread = &wave;
  pthread_t thread;
  if (pthread_create(&thread, nullptr, outlive_leader, nullptr) != 0) fail("pthread_create");
  for (;;) syscall(SYS_exit, 0);
}

[[noreturn]] void be_stopped(const Wave& wave) {
  report(wave, -1);
  raise(SIGSTOP);
  _exit(0);
}

// Ends while somebody else traces it, who gets to know first and does not care.
[[noreturn]] void trace(pid_t traced, const Wave& wave) {
  if (ptrace(PTRACE_SEIZE, traced, nullptr, nullptr) != 0) fail("ptrace");
  be_plain(wave);
}

enum class Kind { kPlain, kTwoStages, kLeaderless, kStopped, kTraced };

// How many orphans come of it. The maker's child ends at once; what it leaves behind is the reaper's.
size_t make(Kind kind, const Wave& wave) {
  pid_t middle = fork_or_fail();
  if (middle == 0) {
    close(wave.gate.write);
    pid_t orphan = fork_or_fail();
    if (orphan == 0) {
      prctl(PR_SET_NAME, "left-behind");
      switch (kind) {
        case Kind::kTwoStages:
          be_first_of_two(wave);
        case Kind::kLeaderless:
          be_leaderless(wave);
        case Kind::kStopped:
          be_stopped(wave);
        default:
          be_plain(wave);
      }
    }
    if (kind == Kind::kTraced && fork_or_fail() == 0) trace(orphan, wave);
    _exit(0);
  }
  int status = 0;
  if (waitpid(middle, &status, 0) != middle || status != 0) fail("waitpid");
  return kind == Kind::kTwoStages || kind == Kind::kTraced ? 2 : 1;
}

Kind kind_of(size_t number, bool all_kinds) {
  if (!all_kinds) return Kind::kPlain;
  constexpr Kind kMix[] = {Kind::kPlain, Kind::kPlain, Kind::kTwoStages, Kind::kLeaderless, Kind::kStopped, Kind::kTraced};
  return kMix[number % std::size(kMix)];
}

std::vector<pid_t> read_pids(int pipe, size_t count) {
  std::vector<pid_t> pids(count);
  auto* bytes = reinterpret_cast<char*>(pids.data());
  for (size_t at = 0; at < count * sizeof(pid_t);) {
    ssize_t got = read(pipe, bytes + at, count * sizeof(pid_t) - at);
    if (got <= 0) fail("an orphan did not come up");
    at += static_cast<size_t>(got);
  }
  return pids;
}

// Nanoseconds from the end of the last one until the last one is gone.
int64_t run_wave(size_t count, bool all_kinds, size_t& made) {
  Wave wave;
  size_t orphans = 0;
  for (size_t number = 0; orphans < count; ++number) orphans += make(kind_of(number, all_kinds), wave);
  made += orphans;
  std::vector<pid_t> pids = read_pids(wave.ready.read, orphans);
  close(wave.alive.write);
  close(wave.gate.write);
  for (pid_t& pid : pids) {
    if (pid < 0) kill(pid = -pid, SIGKILL);
  }
  char nothing;
  while (read(wave.alive.read, &nothing, 1) != 0) {
  }
  const int64_t ended = now_ns();
  for (pid_t pid : pids) {
    while (kill(pid, 0) == 0) {
      if (now_ns() - ended > kDeadlineNs) fail("one is still there");
      sched_yield();
    }
  }
  const int64_t gone = now_ns();
  wave.gate.write = wave.alive.write = -1;
  wave.close_all();
  return gone - ended;
}

// Nanoseconds that all threads of the reaper, our parent, have had a processor.
int64_t reaper_cpu_ns() {
  clockid_t clock{};
  timespec used{};
  if (clock_getcpuclockid(getppid(), &clock) != 0 || clock_gettime(clock, &used) != 0) fail("the CPU clock of the reaper");
  return used.tv_sec * 1'000'000'000LL + used.tv_nsec;
}

size_t count_zombies() {
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return 0;
  size_t zombies = 0;
  while (dirent* entry = readdir(proc)) {
    char path[300];
    char text[512];
    snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
    int file = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) continue;
    ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    text[std::max<ssize_t>(got, 0)] = '\0';
    const char* name_end = strrchr(text, ')');
    if (name_end != nullptr && strstr(text, "left-behind") != nullptr && strncmp(name_end, ") Z", 3) == 0) zombies++;
  }
  closedir(proc);
  return zombies;
}

int leave_orphans(size_t count, bool all_kinds) {
  size_t made = 0;
  int64_t last = 0;
  std::vector<int64_t> times;
  const int64_t cpu_before = reaper_cpu_ns();
  const int64_t started = now_ns();
  while (made < count) {
    last = run_wave(std::min(kWave, count - made), all_kinds, made);
    times.push_back(last);
  }
  const int64_t took = now_ns() - started;
  const int64_t cpu = reaper_cpu_ns() - cpu_before;
  std::sort(times.begin(), times.end());
  auto ms = [](int64_t ns) { return static_cast<double>(ns) / 1e6; };
  printf("{\"orphans\":%zu,\"zombies\":%zu,\"lastMs\":%.3f,\"medianMs\":%.3f,\"worstMs\":%.3f,\"tookMs\":%.3f,\"cpuMs\":%.3f}\n",
         made, count_zombies(), ms(last), ms(times[times.size() / 2]), ms(times.back()), ms(took), ms(cpu));
  return 0;
}

int end_by_signal(int number) {
  rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  signal(number, SIG_DFL);
  raise(number);
  return 98;
}

void say(const char* line) {
  if (write(STDOUT_FILENO, line, strlen(line)) < 0) fail("write");
}

// Answers the first request, which sets the connection up, and lets the second wait for ever.
int serve_nothing(const char* folder) {
  int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0) fail("/dev/fuse");
  char options[100];
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
  if (mount("stalled", folder, "fuse", MS_NOSUID | MS_NODEV, options) != 0) fail("mount");
  alignas(8) static char request[1 << 17];
  if (read(device, request, sizeof request) < 0) fail("read");
  const auto* header = reinterpret_cast<const fuse_in_header*>(request);
  const auto* wanted = reinterpret_cast<const fuse_init_in*>(header + 1);
  struct {
    fuse_out_header header;
    fuse_init_out init;
  } answer{};
  answer.header = {sizeof answer, 0, header->unique};
  answer.init.major = FUSE_KERNEL_VERSION;
  answer.init.minor = std::min<uint32_t>(wanted->minor, FUSE_KERNEL_MINOR_VERSION);
  answer.init.max_write = 4096;
  if (write(device, &answer, sizeof answer) < 0) fail("write");
  say("ready\n");
  if (read(device, request, sizeof request) < 0) fail("read");
  say("asked\n");
  for (;;) pause();
}

}  // namespace

int main(int argc, char** argv) {
  std::string_view verb = argc > 2 ? argv[1] : "";
  if (verb == "orphans") return leave_orphans(strtoul(argv[2], nullptr, 10), argc > 3 && std::string_view(argv[3]) == "all");
  if (verb == "exit") return atoi(argv[2]);
  if (verb == "signal") return end_by_signal(atoi(argv[2]));
  if (verb == "fuse") return serve_nothing(argv[2]);
  if (verb == "stat") {
    struct stat status {};
    return stat(argv[2], &status) == 0 ? 0 : 1;
  }
  return 2;
}
