#include "process/table.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "process/stat.h"
#include "sys/memory_calls.h"
#include "sys/proc_calls.h"
#include "sys/thread_calls.h"

namespace talos::process {

namespace {

constexpr size_t kStatBytes = 2048;
constexpr size_t kLinkBytes = 4096;

// Threads that hang in a command line, at most; with so many of them details are left out.
constexpr int kMaxReaders = 4;
std::atomic<int> readers{0};

std::string path_of(pid_t pid, const char* file) { return std::to_string(pid) + "/" + file; }

double milliseconds(uint64_t ticks) {
  static const uint64_t per_second = sys::ticks_a_second();
  return static_cast<double>(ticks) * 1000.0 / static_cast<double>(per_second);
}

struct Details {
  std::string executable;
  std::string command_line;
  std::string cgroup;
  uint32_t flags = 0;
};

// Appends to a table; the details of a process right behind it or never.
class Rows {
 public:
  void add(const ProcessStat& stat) {
    static const auto page = static_cast<double>(sys::page_bytes());
    std::array<double, kColumns> row{};
    row[kPid] = stat.pid;
    row[kParentPid] = stat.parent_pid;
    row[kState] = static_cast<unsigned char>(stat.state);
    row[kThreads] = static_cast<double>(stat.threads);
    row[kCpuMs] = milliseconds(stat.user_ticks + stat.system_ticks);
    row[kStartMs] = milliseconds(stat.start_ticks);
    row[kVirtualBytes] = static_cast<double>(stat.virtual_bytes);
    row[kResidentBytes] = static_cast<double>(stat.resident_pages) * page;
    if (stat.is_kernel_thread()) row[kFlags] = kIsKernelThread;
    row[kCommandBytes] = static_cast<double>(stat.command.size());
    table.rows.insert(table.rows.end(), row.begin(), row.end());
    table.text += stat.command;
  }

  void add_unreadable(pid_t pid) {
    std::array<double, kColumns> row{};
    row[kPid] = pid;
    row[kState] = '?';
    row[kFlags] = kIsUnreadable | kHasNoDetails;
    table.rows.insert(table.rows.end(), row.begin(), row.end());
  }

  void describe(const Details& details) {
    double* row = &table.rows[table.rows.size() - kColumns];
    uint32_t flags = static_cast<uint32_t>(row[kFlags]) | details.flags;
    if (table.text.size() + details.executable.size() + details.command_line.size() + details.cgroup.size() > kMaxTextBytes) {
      table.is_complete = false;
      row[kFlags] = flags | kHasNoDetails;
      return;
    }
    row[kFlags] = flags;
    row[kExecutableBytes] = static_cast<double>(details.executable.size());
    row[kCommandLineBytes] = static_cast<double>(details.command_line.size());
    row[kCgroupBytes] = static_cast<double>(details.cgroup.size());
    table.text += details.executable;
    table.text += details.command_line;
    table.text += details.cgroup;
  }

  void leave_without_details() {
    double* row = &table.rows[table.rows.size() - kColumns];
    row[kFlags] = static_cast<uint32_t>(row[kFlags]) | kHasNoDetails;
  }

  Table table;
};

bool is_gone(const Error& error) { return error.errno_value == ENOENT || error.errno_value == ESRCH; }
bool is_forbidden(const Error& error) { return error.errno_value == EACCES || error.errno_value == EPERM; }

// The bytes of the command are those of `buffer`.
Result<ProcessStat> read_stat(int proc_fd, pid_t pid, std::span<char, kStatBytes> buffer) {
  auto got = sys::read_beneath(proc_fd, path_of(pid, "stat").c_str(), buffer);
  if (!got) return std::move(got.error());
  auto stat = parse_stat(std::string_view(buffer.data(), got.value()));
  if (!stat) stat.error().path = "/proc/" + std::to_string(pid) + "/stat";
  return stat;
}

// The path in the hierarchy of cgroup2: the line `0::/path`.
std::string_view cgroup_path(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at);
    if (end == std::string_view::npos) end = text.size();
    if (text.substr(at, 3) == "0::") return text.substr(at + 3, end - at - 3);
    at = end + 1;
  }
  return {};
}

// May sleep for as long as the process likes.
Details read_details(int proc_fd, pid_t pid, const TableOptions& options, std::vector<char>& buffer) {
  Details details;
  auto take = [&](std::string& text, const Result<size_t>& got, size_t limit) {
    if (got)
      text.assign(buffer.data(), std::min(got.value(), limit));
    else
      details.flags |= is_gone(got.error()) ? 0 : static_cast<uint32_t>(kHasNoDetails);
  };
  if (options.cgroups) {
    auto got = sys::read_beneath(proc_fd, path_of(pid, "cgroup").c_str(), std::span(buffer).first(kLinkBytes));
    if (got) details.cgroup = cgroup_path(std::string_view(buffer.data(), got.value()));
  }
  if (options.command_line_bytes > 0) {
    take(details.executable, sys::read_link_beneath(proc_fd, path_of(pid, "exe").c_str(), std::span(buffer).first(kLinkBytes)),
         kLinkBytes);
    // One byte more, to see whether there is more.
    auto all = std::span(buffer).first(options.command_line_bytes + 1);
    auto got = sys::read_beneath(proc_fd, path_of(pid, "cmdline").c_str(), all);
    take(details.command_line, got, options.command_line_bytes);
    if (got && got.value() > options.command_line_bytes) details.flags |= kIsCommandLineCut;
  }
  return details;
}

struct Job {
  TableOptions options;
  UniqueFd proc;
  std::vector<pid_t> pids;
  std::mutex mutex;  // guards everything below; the reader alone changes `next`
  std::condition_variable changed;
  Rows rows;
  size_t next = 0;             // the first of `pids` that was not begun
  bool is_describing = false;  // the last row is waiting for its details
  std::optional<Error> error;
  bool is_done = false;
  bool is_abandoned = false;
};

// Begins the next process: adds what `stat` says. Nothing: it is gone. The lock is not held.
std::optional<pid_t> add_next(Job& job, bool& is_over) {
  std::array<char, kStatBytes> buffer;
  const pid_t pid = job.pids[job.next];
  auto stat = read_stat(job.proc.get(), pid, buffer);
  std::lock_guard lock(job.mutex);
  if (job.is_abandoned) {
    is_over = true;
    return std::nullopt;
  }
  ++job.next;
  if (stat) {
    job.rows.add(stat.value());
    job.is_describing = true;
    return pid;
  }
  if (is_forbidden(stat.error())) {
    job.rows.add_unreadable(pid);
  } else if (!is_gone(stat.error())) {
    job.error = std::move(stat.error());
    is_over = true;
  }
  return std::nullopt;
}

void read_all(Job& job) {
  std::vector<char> buffer(std::max<size_t>(kLinkBytes, job.options.command_line_bytes + 1));
  bool is_over = false;
  while (!is_over && job.next < job.pids.size()) {
    auto pid = add_next(job, is_over);
    if (!pid) continue;
    Details details = read_details(job.proc.get(), *pid, job.options, buffer);
    std::lock_guard lock(job.mutex);
    if (job.is_abandoned) return;
    job.rows.describe(details);
    job.is_describing = false;
  }
}

// False: there are too many of them, or the system gives us no more.
bool start_reader(const std::shared_ptr<Job>& job) {
  if (readers.fetch_add(1) >= kMaxReaders) {
    readers.fetch_sub(1);
    return false;
  }
  auto started = sys::start_thread("talos-ps", [job] {
    read_all(*job);
    {
      std::lock_guard lock(job->mutex);
      job->is_done = true;
      // Now and not with the job, which lives until this thread has ended: who gets the table finds no descriptor left open.
      if (!job->is_abandoned) job->proc.reset();
      job->changed.notify_one();
    }
    readers.fetch_sub(1);
  });
  if (!started) readers.fetch_sub(1);
  return started.ok();
}

// What the reader did not get to, without details.
std::optional<Error> finish_without_reader(const Job& job, size_t next, Rows& rows) {
  rows.table.is_complete = false;
  std::array<char, kStatBytes> buffer;
  for (; next < job.pids.size(); ++next) {
    const pid_t pid = job.pids[next];
    auto stat = read_stat(job.proc.get(), pid, buffer);
    if (stat) {
      rows.add(stat.value());
      rows.leave_without_details();
    } else if (is_forbidden(stat.error())) {
      rows.add_unreadable(pid);
    } else if (!is_gone(stat.error())) {
      return std::move(stat.error());
    }
  }
  return std::nullopt;
}

}  // namespace

Result<Table> read_table(const TableOptions& options) {
  auto proc = sys::open_proc();
  if (!proc) return std::move(proc.error());
  auto job = std::make_shared<Job>();
  job->options = options;
  job->proc = std::move(proc).value();
  auto pids = sys::list_processes(job->proc.get(), kMaxProcesses);
  if (!pids) return std::move(pids.error());
  job->pids = std::move(pids).value();
  job->rows.table.is_complete = job->pids.size() < kMaxProcesses;

  const bool has_reader = start_reader(job);
  std::unique_lock lock(job->mutex);
  if (has_reader) job->changed.wait_for(lock, options.deadline, [&] { return job->is_done; });
  job->is_abandoned = true;
  Rows rows = std::move(job->rows);
  const bool is_done = job->is_done;
  const size_t next = job->next;
  std::optional<Error> error = std::move(job->error);
  if (job->is_describing) rows.leave_without_details();
  lock.unlock();
  // From here on the reader, if there is one, only looks at is_abandoned and ends.
  if (!is_done && !error) error = finish_without_reader(*job, next, rows);
  if (error) return *std::move(error);
  return std::move(rows.table);
}

}  // namespace talos::process
