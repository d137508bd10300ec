#include <unistd.h>

#include <string>

#include "process/stat.h"
#include "process/table.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using talos::process::parse_stat;
using talos::process::read_table;
using talos::process::Table;
using talos::test::check;
using talos::test::check_equal;

constexpr const char* kNumbers =
    " S 1 42 42 0 -1 4194560 100 0 3 0 250 50 0 0 20 0 7 0 123456 1048576000 2048 18446744073709551615 1 1 0\n";

std::string stat_of(const std::string& command) { return "42 (" + command + ")" + kNumbers; }

void reads_the_fields() {
  const std::string text = stat_of("node");
  auto stat = parse_stat(text);
  check(stat.ok());
  const auto& value = stat.value();
  check_equal(value.pid, 42);
  check_equal(value.parent_pid, 1);
  check_equal(value.state, 'S');
  check_equal(value.user_ticks, 250u);
  check_equal(value.system_ticks, 50u);
  check_equal(value.threads, 7u);
  check_equal(value.start_ticks, 123456u);
  check_equal(value.virtual_bytes, 1048576000u);
  check_equal(value.resident_pages, 2048u);
  check_equal(value.is_kernel_thread(), false);
  check_equal(value.command, "node");
}

void takes_any_name() {
  for (const char* name : {"", ")", "(", "a) R 1 (b", "a b", "new\nline", ") Z 0 0", "(((", ")))", "\xff\xfe"}) {
    const std::string text = stat_of(name);
    auto stat = parse_stat(text);
    check(stat && stat.value().command == name && stat.value().state == 'S' && stat.value().parent_pid == 1);
  }
  auto kernel = parse_stat("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 1 0 0 20 0 1 0 4 0 0");
  check(kernel && kernel.value().is_kernel_thread());
  auto negative = parse_stat("2 (x) S 0 0 0 0 -1 0 0 0 0 0 0 1 0 0 20 0 1 0 4 0 -5 1");
  check(negative && negative.value().resident_pages == 0, "a resident set that the kernel counted below zero");
}

std::string problem_of(std::string_view text) {
  auto stat = parse_stat(text);
  if (stat) return "none";
  check_equal(stat.error().errno_value, EBADMSG);
  return stat.error().detail;
}

void says_where_it_is_malformed() {
  check_equal(problem_of(""), "malformed at offset 0");
  check_equal(problem_of("42 (x"), "malformed at offset 0");
  check_equal(problem_of("42 )x("), "malformed at offset 0");
  check_equal(problem_of("x (x) S 1"), "malformed at offset 0");
  check_equal(problem_of("42 (x)"), "malformed at offset 0");
  check_equal(problem_of("42 (x) SS 1"), "malformed at offset 7");
  check_equal(problem_of("42 (x) S one"), "malformed at offset 9");
  check_equal(problem_of("42 (x) S 1"), "malformed at offset 10");
  check_equal(problem_of("42 (x) S 99999999999 1"), "malformed at offset 9");
  const std::string whole = stat_of("x");
  // Up to the end of the resident set it is cut off; from there on nothing is missed.
  const size_t enough = whole.find(" 18446744073709551615");
  for (size_t length = 0; length < enough - 4; ++length) check(problem_of(whole.substr(0, length)) != "none", "cut off");
  check_equal(problem_of(whole.substr(0, enough)), "none");
}

size_t row_of(const Table& table, double pid) {
  for (size_t i = 0; i < table.count(); ++i) {
    if (table.rows[i * talos::process::kColumns] == pid) return i;
  }
  return SIZE_MAX;
}

double text_bytes(const Table& table) {
  double sum = 0;
  for (size_t i = 0; i < table.count(); ++i) {
    for (size_t column = talos::process::kCommandBytes; column < talos::process::kColumns; ++column) {
      sum += table.rows[i * talos::process::kColumns + column];
    }
  }
  return sum;
}

void reads_the_real_one() {
  const size_t before = talos::test::open_descriptors();
  auto table = read_table({.cgroups = true});
  check(table && table.value().is_complete && table.value().count() > 0);
  const double* self = &table.value().rows[row_of(table.value(), ::getpid()) * talos::process::kColumns];
  check_equal(self[talos::process::kParentPid], static_cast<double>(::getppid()));
  check(self[talos::process::kResidentBytes] > 0 && self[talos::process::kExecutableBytes] > 0);
  check_equal(text_bytes(table.value()), static_cast<double>(table.value().text.size()));
  check(table.value().text.find("process_table_test") != std::string::npos);
  check_equal(talos::test::open_descriptors(), before);
}

void gives_up_details_at_the_deadline() {
  auto table = read_table({.deadline = std::chrono::milliseconds(0)});
  check(table && row_of(table.value(), ::getpid()) != SIZE_MAX);
  check_equal(text_bytes(table.value()), static_cast<double>(table.value().text.size()));
}

void fails_by_name() {
  // Without the thread that reads details there are none. What that thread itself does is not counted here.
  talos::test::fail_each([] { return read_table({}); }, {EMFILE, ENOMEM, EIO}, {{"pthread_create"}, {"pthread_sigmask"}});
}

void leaves_out_what_vanishes() {
  // Every stat is gone when it is opened; the list was made before.
  talos::test::fail_always("openat", ENOENT);
  auto gone = read_table({});
  check(talos::test::clear_faults());
  check(gone && gone.value().count() == 0 && gone.value().text.empty());
  talos::test::fail_always("read", ESRCH);
  auto vanished = read_table({});
  check(talos::test::clear_faults());
  check(vanished && vanished.value().count() == 0);
  talos::test::fail_always("openat", EACCES);
  auto hidden = read_table({});
  check(talos::test::clear_faults());
  check(hidden && row_of(hidden.value(), ::getpid()) != SIZE_MAX && hidden.value().text.empty());
  talos::test::fail_always("openat", EMFILE);
  auto failed = read_table({});
  check(talos::test::clear_faults());
  check(!failed && failed.error().errno_value == EMFILE && std::string_view(failed.error().syscall) == "openat");
  talos::test::fail_always("readlinkat", EACCES);
  auto without = read_table({});
  check(talos::test::clear_faults());
  const double* self = &without.value().rows[row_of(without.value(), ::getpid()) * talos::process::kColumns];
  check_equal(self[talos::process::kFlags], static_cast<double>(talos::process::kHasNoDetails), "shown with what is known");
  check(self[talos::process::kCommandLineBytes] > 0);
}

void reads_through_interruptions() {
  talos::test::fail_call("read", 1, EINTR);
  auto table = read_table({});
  check(talos::test::clear_faults());
  check(table && row_of(table.value(), ::getpid()) != SIZE_MAX);
  talos::test::answer_always("read", talos::test::bytes_reply("no stat"));
  auto malformed = read_table({});
  talos::test::clear_faults();
  check(!malformed && malformed.error().errno_value == EBADMSG && malformed.error().path.ends_with("/stat"));
}

}  // namespace

int main() {
  reads_the_fields();
  takes_any_name();
  says_where_it_is_malformed();
  reads_the_real_one();
  fails_by_name();
  leaves_out_what_vanishes();
  reads_through_interruptions();
  // The last one: its reader may still be at work when the others count descriptors.
  gives_up_details_at_the_deadline();
  talos::test::survive_damage(stat_of("a) b"), [](std::string_view text) { (void)parse_stat(text); });
  return talos::test::finish();
}
