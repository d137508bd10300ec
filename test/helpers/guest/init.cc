// PID 1 of the test guest: prepares the machine, then runs the programs that the host asks for, one after the other.
//
// Three virtio-serial ports lead to the host:
//   talos.control  host -> guest: jobs, framed as below; guest -> host: "ready\n" once, then "exit CODE SIGNAL STDOUT STDERR\n"
//   per job talos.stdout   what the job wrote to its standard output, byte by byte talos.stderr   the same for its standard error
// STDOUT and STDERR in the exit line are byte counts: the host waits until it has received that many, so nothing is cut off
// when it ends the machine. A job is a 32-bit little-endian length and that many bytes of NUL-terminated strings:
// checkout, working directory, number of further shared folders, these, number of environment strings, these, then the argument
// vector. The folders are 9p devices tagged share0 (the checkout), share1 and so on, mounted at their own paths by the first job.
//
// Errors that leave no way on end this process, and with it the kernel: the host shows the end of the console.
#include <dirent.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

[[noreturn]] void fail(const char* what, const char* path = "") {
  fprintf(stderr, "guest: %s %s: %s\n", what, path, strerror(errno));
  exit(1);
}

void make_folders(const std::string& path) {
  for (size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    std::string part = path.substr(0, at);
    if (mkdir(part.c_str(), 0755) != 0 && errno != EEXIST) fail("mkdir", part.c_str());
    if (at == std::string::npos) return;
  }
}

void mount_at(const char* source, const char* target, const char* type, unsigned long flags, const char* data) {
  make_folders(target);
  if (mount(source, target, type, flags, data) != 0) fail("mount", target);
}

void write_file(const char* path, const std::string& text) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) fail("open", path);
  if (write(file, text.data(), text.size()) < 0) fail("write", path);
  close(file);
}

std::string read_file(const char* path) {
  std::string text;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return text;
  char buffer[512];
  for (ssize_t got; (got = read(file, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(got));
  close(file);
  return text;
}

// Every controller that the kernel offers is switched on for the children of the root, so that a test can make its own groups.
void enable_controllers() {
  std::string offered = read_file("/sys/fs/cgroup/cgroup.controllers");
  for (size_t at = 0; at < offered.size();) {
    size_t end = offered.find_first_of(" \n", at);
    if (end == std::string::npos) end = offered.size();
    if (end > at) write_file("/sys/fs/cgroup/cgroup.subtree_control", "+" + offered.substr(at, end - at));
    at = end + 1;
  }
}

void bring_loopback_up() {
  int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (probe < 0) fail("socket");
  ifreq request{};
  strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (ioctl(probe, SIOCSIFFLAGS, &request) != 0) fail("ioctl", "lo");
  close(probe);
}

void prepare_machine() {
  mount_at("devtmpfs", "/dev", "devtmpfs", MS_NOSUID | MS_NOEXEC, nullptr);
  mount_at("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  mount_at("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  mount_at("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
  mount_at("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
  mount_at("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666");
  mount_at("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
  mount_at("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, "nsdelegate");
  enable_controllers();
  bring_loopback_up();
  if (sethostname("guest", 5) != 0) fail("sethostname");
}

// Name of the device of a port, such as "vport2p1"; empty while there is none.
std::string find_port(const std::string& name) {
  constexpr const char* kPorts = "/sys/class/virtio-ports";
  std::string found;
  DIR* ports = opendir(kPorts);
  if (ports == nullptr) return found;
  while (dirent* entry = readdir(ports)) {
    std::string device = entry->d_name;
    if (read_file((std::string(kPorts) + "/" + device + "/name").c_str()) == name + "\n") found = device;
  }
  closedir(ports);
  return found;
}

// The port appears some time after boot, when the driver has heard of it from the host: look, else wait for a uevent.
int open_port(const char* name, int uevents) {
  for (;;) {
    std::string device = find_port(name);
    if (!device.empty()) {
      int port = open(("/dev/" + device).c_str(), O_RDWR | O_CLOEXEC);
      if (port >= 0) return port;
      fail("open", device.c_str());
    }
    pollfd wait{uevents, POLLIN, 0};
    if (poll(&wait, 1, 10'000) == 0) {
      errno = ETIMEDOUT;
      fail("waiting for port", name);
    }
    char discarded[8192];
    while (recv(uevents, discarded, sizeof discarded, MSG_DONTWAIT) > 0) {
    }
  }
}

int listen_for_uevents() {
  int events = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
  if (events < 0) fail("socket", "netlink");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1;
  if (bind(events, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind", "netlink");
  return events;
}

void write_all(int file, const char* bytes, size_t size) {
  while (size > 0) {
    ssize_t wrote = write(file, bytes, size);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) fail("write", "port");
    bytes += wrote;
    size -= static_cast<size_t>(wrote);
  }
}

void read_all(int file, char* bytes, size_t size) {
  while (size > 0) {
    ssize_t got = read(file, bytes, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail("read", "control port");
    bytes += got;
    size -= static_cast<size_t>(got);
  }
}

struct Job {
  std::string checkout;
  std::string folder;
  std::vector<std::string> shares;
  std::vector<std::string> environment;
  std::vector<std::string> arguments;
};

Job read_job(int control) {
  uint32_t size = 0;
  read_all(control, reinterpret_cast<char*>(&size), sizeof size);
  std::string text(size, '\0');
  read_all(control, text.data(), size);
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size(); at += words.back().size() + 1) words.emplace_back(text.c_str() + at);
  Job job;
  auto next = words.begin();
  auto take = [&] {
    if (next == words.end()) {
      errno = EBADMSG;
      fail("job");
    }
    return *next++;
  };
  auto take_list = [&](std::vector<std::string>& list) {
    for (size_t count = strtoul(take().c_str(), nullptr, 10); count > 0; count--) list.push_back(take());
  };
  job.checkout = take();
  job.folder = take();
  take_list(job.shares);
  take_list(job.environment);
  job.arguments.push_back(take());
  job.arguments.insert(job.arguments.end(), next, words.end());
  return job;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  for (std::string& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

struct Stream {
  int pipe = -1;
  int port = -1;
  uint64_t bytes = 0;
};

// True until the end of the pipe.
bool pump(Stream& stream) {
  static char buffer[65536];
  ssize_t got = read(stream.pipe, buffer, sizeof buffer);
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  if (got == 0) {
    close(stream.pipe);
    stream.pipe = -1;
    return false;
  }
  write_all(stream.port, buffer, static_cast<size_t>(got));
  stream.bytes += static_cast<uint64_t>(got);
  return true;
}

pid_t start(Job& job, int out, int err) {
  std::vector<char*> arguments = pointers(job.arguments);
  std::vector<char*> environment = pointers(job.environment);
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child > 0) return child;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  setsid();
  int nothing = open("/dev/null", O_RDWR);
  if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) _exit(126);
  if (nothing > 2) close(nothing);
  if (chdir(job.folder.c_str()) != 0) {
    fprintf(stderr, "guest: chdir %s: %s\n", job.folder.c_str(), strerror(errno));
    _exit(126);
  }
  execve(arguments[0], arguments.data(), environment.data());
  fprintf(stderr, "guest: exec %s: %s\n", arguments[0], strerror(errno));
  _exit(127);
}

// Runs one job to its end. What it left running is killed: it must not hold the pipes, nor meet the next job.
std::string run(Job& job, int children, int out_port, int err_port) {
  int out[2];
  int err[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) fail("pipe");
  pid_t main_child = start(job, out[1], err[1]);
  close(out[1]);
  close(err[1]);
  Stream streams[2] = {{out[0], out_port}, {err[0], err_port}};
  int status = 0;
  bool running = true;
  while (running || streams[0].pipe >= 0 || streams[1].pipe >= 0) {
    pollfd waits[3] = {{children, POLLIN, 0}, {streams[0].pipe, POLLIN, 0}, {streams[1].pipe, POLLIN, 0}};
    if (poll(waits, 3, -1) < 0 && errno != EINTR) fail("poll");
    if (waits[1].revents != 0) pump(streams[0]);
    if (waits[2].revents != 0) pump(streams[1]);
    if (waits[0].revents == 0) continue;
    signalfd_siginfo discarded;
    if (read(children, &discarded, sizeof discarded) < 0 && errno != EAGAIN) fail("read", "signalfd");
    int child_status = 0;
    for (pid_t child; (child = waitpid(-1, &child_status, WNOHANG)) > 0;) {
      if (child != main_child) continue;
      status = child_status;
      running = false;
      kill(-1, SIGKILL);
    }
  }
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  char line[128];
  snprintf(line, sizeof line, "exit %d %d %llu %llu\n", code, signal, static_cast<unsigned long long>(streams[0].bytes),
           static_cast<unsigned long long>(streams[1].bytes));
  return line;
}

// "loose": the host promises not to change the folders while the guest runs, so pages may be cached and read ahead.
void mount_shares(const Job& job) {
  std::vector<std::string> folders{job.checkout};
  folders.insert(folders.end(), job.shares.begin(), job.shares.end());
  for (size_t index = 0; index < folders.size(); index++) {
    std::string tag = "share" + std::to_string(index);
    mount_at(tag.c_str(), folders[index].c_str(), "9p", MS_RDONLY | MS_NODEV,
             "trans=virtio,version=9p2000.L,msize=512000,cache=loose");
  }
}

}  // namespace

int main() {
  prepare_machine();
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  sigprocmask(SIG_BLOCK, &watched, nullptr);
  int children = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  if (children < 0) fail("signalfd");
  int uevents = listen_for_uevents();
  int control = open_port("talos.control", uevents);
  int out_port = open_port("talos.stdout", uevents);
  int err_port = open_port("talos.stderr", uevents);
  close(uevents);
  write_all(control, "ready\n", 6);
  for (bool mounted = false;;) {
    Job job = read_job(control);
    if (!mounted) mount_shares(job);
    mounted = true;
    std::string line = run(job, children, out_port, err_port);
    write_all(control, line.data(), line.size());
  }
}
