// Filters are judged by an interpreter of classic BPF that knows nothing of how they were made.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstring>
#include <functional>
#include <optional>
#include <random>

#include "seccomp/filter.h"
#include "sys/seccomp_calls.h"
#include "test/fault.h"
#include "test/tap.h"

namespace {

using talos::BpfInstruction;
using talos::test::check;
using talos::test::check_equal;
using namespace talos::seccomp;
using Program = std::vector<BpfInstruction>;

// What the kernel's own check admits for seccomp, and nothing else; no value when the program is not valid.
std::optional<uint32_t> interpret(const Program& program, const seccomp_data& data, size_t* steps = nullptr) {
  uint32_t accumulator = 0;
  for (size_t at = 0; at < program.size(); ++at) {
    if (steps != nullptr) ++*steps;
    const BpfInstruction& one = program[at];
    switch (one.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (one.value % 4 != 0 || one.value + 4 > sizeof data) return std::nullopt;
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + one.value, 4);
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        accumulator &= one.value;
        break;
      case BPF_JMP | BPF_JA:
        at += one.value;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        at += accumulator == one.value ? one.jump_true : one.jump_false;
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        at += accumulator > one.value ? one.jump_true : one.jump_false;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        at += accumulator >= one.value ? one.jump_true : one.jump_false;
        break;
      case BPF_RET | BPF_K:
        return one.value;
      default:
        return std::nullopt;
    }
  }
  return std::nullopt;  // ran off the end
}

uint32_t audit_of(Architecture architecture) {
  return architecture == Architecture::kX86_64 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_AARCH64;
}

uint32_t run(const Program& program, Architecture architecture, int number, std::array<uint64_t, 6> arguments = {}) {
  seccomp_data data{number, audit_of(architecture), 0, {}};
  std::copy(arguments.begin(), arguments.end(), data.args);
  auto result = interpret(program, data);
  if (!result) check(false, "a program that the kernel would not take");
  return result.value_or(0);
}

Program compiled(const Filter& filter, Architecture architecture = Architecture::kX86_64) {
  auto program = compile(filter, architecture);
  check(program.ok(), "compiles");
  return program ? program.value() : Program{};
}

std::string problem_of(const Filter& filter) {
  auto program = compile(filter, Architecture::kX86_64);
  return program ? "" : program.error().detail;
}

void knows_the_numbers() {
  auto numbers = [](const char* name) {
    auto found = find_syscall(name);
    return found ? std::to_string(found->x86_64) + " " + std::to_string(found->aarch64) : "none";
  };
  check_equal(numbers("read"), "0 63");
  check_equal(numbers("open"), "2 -1");
  check_equal(numbers("renameat"), "264 38");
  check_equal(numbers("openat2"), "437 437");
  check_equal(numbers("accept"), "43 202", "the first");
  check_equal(numbers("writev"), "20 66", "the last");
  for (const char* unknown : {"", "aaa", "zzz", "Read", "read2"}) check_equal(numbers(unknown), "none", unknown);
}

void decides_by_name_on_both_architectures() {
  Filter filter;
  filter.default_action = fail_with(1);
  filter.rules = {{{"read", "open", "exit_group"}, {}, kAllow}, {{"write"}, {}, kLog}, {{"ptrace"}, {}, kKillProcess}};
  for (Architecture architecture : {Architecture::kX86_64, Architecture::kAarch64}) {
    Program program = compiled(filter, architecture);
    auto of = [&](const char* name) { return run(program, architecture, find_syscall(name)->on(architecture)); };
    check_equal(of("read"), kAllow);
    check_equal(of("exit_group"), kAllow);
    check_equal(of("write"), kLog);
    check_equal(of("ptrace"), kKillProcess);
    check_equal(of("close"), fail_with(1));
    check_equal(run(program, architecture, 100'000), fail_with(1));
  }
  check_equal(run(compiled(filter), Architecture::kX86_64, 2), kAllow, "open, which only x86_64 has");
}

void refuses_other_abis() {
  Filter everything;
  everything.default_action = kAllow;
  Program program = compiled(everything);
  check_equal(run(program, Architecture::kX86_64, 0), kAllow);
  check_equal(run(program, Architecture::kX86_64, 0x4000'0000), kKillProcess, "x32");
  check_equal(run(program, Architecture::kX86_64, -1), kKillProcess);
  check_equal(run(program, Architecture::kAarch64, 0), kKillProcess, "another architecture");
  seccomp_data i386{0, AUDIT_ARCH_I386, 0, {}};
  check_equal(interpret(program, i386).value_or(0), kKillProcess);
  Program arm = compiled(everything, Architecture::kAarch64);
  check_equal(run(arm, Architecture::kX86_64, 0), kKillProcess);
}

bool holds(const Comparison& comparison, uint64_t argument) {
  switch (comparison.operation) {
    case Operator::kEqual:
      return argument == comparison.value;
    case Operator::kNotEqual:
      return argument != comparison.value;
    case Operator::kLess:
      return argument < comparison.value;
    case Operator::kLessOrEqual:
      return argument <= comparison.value;
    case Operator::kGreater:
      return argument > comparison.value;
    case Operator::kGreaterOrEqual:
      return argument >= comparison.value;
    case Operator::kMasked:
      return (argument & comparison.mask) == comparison.value;
  }
  return false;
}

// Numbers around the ends of both halves of a register, where comparing by halves goes wrong.
constexpr uint64_t kEdges[] = {
    0, 1, 2, 0x7fff'ffff, 0x8000'0000, 0xffff'fffe, 0xffff'ffff, 1ULL << 32, (1ULL << 32) + 1, 2ULL << 32, ~0ULL - 1, ~0ULL};

void compares_arguments() {
  bool all_agree = true;
  for (int operation = 0; operation <= static_cast<int>(Operator::kMasked); ++operation) {
    for (uint64_t value : kEdges) {
      Comparison comparison{3, static_cast<Operator>(operation), value, value | 0x8000'0000'0000'0001};
      Filter filter;
      filter.default_action = fail_with(2);
      filter.rules = {{{"ioctl"}, {comparison}, kAllow}};
      auto program = compile(filter, Architecture::kX86_64);
      for (uint64_t argument : kEdges) {
        uint32_t expected = holds(comparison, argument) ? kAllow : fail_with(2);
        all_agree =
            all_agree && program && run(program.value(), Architecture::kX86_64, 16, {9, 9, 9, argument, 9, 9}) == expected;
      }
    }
  }
  check(all_agree, "every comparison at every edge");
}

void tries_rules_in_their_order() {
  Filter filter;
  filter.default_action = fail_with(3);
  filter.rules = {{{"socket"}, {{0, Operator::kEqual, 16, 0}, {2, Operator::kEqual, 9, 0}}, kKillProcess},
                  {{"socket"}, {{0, Operator::kEqual, 16, 0}}, fail_with(4)},
                  {{"socket", "read"}, {{0, Operator::kLess, 100, 0}}, kAllow},
                  {{"read"}, {}, kLog},
                  {{"read"}, {}, kKillProcess}};
  Program program = compiled(filter);
  check_equal(run(program, Architecture::kX86_64, 41, {16, 0, 9}), kKillProcess);
  check_equal(run(program, Architecture::kX86_64, 41, {16, 0, 8}), fail_with(4));
  check_equal(run(program, Architecture::kX86_64, 41, {2, 0, 9}), kAllow);
  check_equal(run(program, Architecture::kX86_64, 41, {100, 0, 9}), fail_with(3));
  check_equal(run(program, Architecture::kX86_64, 0, {99}), kAllow);
  check_equal(run(program, Architecture::kX86_64, 0, {100}), kLog, "a rule without conditions ends the list");
}

// Any filter against the rules themselves, read in the plain way.
void agrees_with_a_model() {
  std::mt19937_64 random(7);
  bool all_agree = true;
  size_t longest = 0;
  for (int round = 0; round < 300; ++round) {
    Filter filter;
    filter.default_action = fail_with(static_cast<int>(1 + random() % 100));
    const size_t rule_count = random() % 60;
    for (size_t i = 0; i < rule_count; ++i) {
      Rule rule;
      for (size_t names = 1 + random() % 20; names > 0; --names)
        rule.syscalls.emplace_back(all_syscalls()[random() % all_syscalls().size()].name);
      for (size_t comparisons = random() % 4; comparisons > 0; --comparisons) {
        uint64_t value = kEdges[random() % std::size(kEdges)];
        rule.comparisons.push_back({static_cast<uint32_t>(random() % 6), static_cast<Operator>(random() % 7), value,
                                    value | kEdges[random() % std::size(kEdges)]});
      }
      rule.action = fail_with(static_cast<int>(200 + i));
      filter.rules.push_back(std::move(rule));
    }
    Architecture architecture = round % 2 == 0 ? Architecture::kX86_64 : Architecture::kAarch64;
    auto program = compile(filter, architecture);
    if (!program) {
      all_agree = all_agree && program.error().errno_value == E2BIG;
      continue;
    }
    for (int probe = 0; probe < 300; ++probe) {
      auto number = static_cast<int>(random() % 480);
      seccomp_data data{number, audit_of(architecture), 0, {}};
      for (auto& argument : data.args) argument = kEdges[random() % std::size(kEdges)];
      uint32_t expected = filter.default_action;
      for (const Rule& rule : filter.rules) {
        bool matches = false;
        for (const std::string& name : rule.syscalls) matches = matches || find_syscall(name)->on(architecture) == number;
        for (const Comparison& one : rule.comparisons) matches = matches && holds(one, data.args[one.argument]);
        if (!matches) continue;
        expected = rule.action;
        break;
      }
      size_t steps = 0;
      all_agree = all_agree && interpret(program.value(), data, &steps) == expected;
      longest = std::max(longest, steps);
    }
  }
  check(all_agree, "300 random filters");
}

void takes_few_steps_for_a_long_list() {
  Filter filter;
  filter.rules = {{{}, {}, kAllow}};
  // Every other one, so that no two are neighbours.
  for (size_t i = 0; i < all_syscalls().size(); i += 2) filter.rules[0].syscalls.emplace_back(all_syscalls()[i].name);
  Program program = compiled(filter);
  bool is_valid = true;
  size_t most = 0;
  for (int number = 0; number < 480; ++number) {
    size_t steps = 0;
    seccomp_data data{number, AUDIT_ARCH_X86_64, 0, {}};
    is_valid = is_valid && interpret(program, data, &steps).has_value();
    most = std::max(most, steps);
  }
  check(is_valid);
  check(most <= 20, std::to_string(most) + " steps");
}

void says_what_is_wrong() {
  auto one = [](Comparison comparison) {
    Filter filter;
    filter.rules = {{{"read"}, {comparison}, kAllow}};
    return filter;
  };
  Filter unknown;
  unknown.rules = {{{"raed"}, {}, kAllow}};
  check_equal(problem_of(unknown), "no system call is named 'raed'");
  check_equal(problem_of(one({6, Operator::kEqual, 0, 0})), "a system call has the arguments 0 to 5");
  check_equal(problem_of(one({0, Operator::kMasked, 3, 2})), "the value has bits outside of the mask");
  Filter long_rule;
  long_rule.rules = {{{"read"}, std::vector<Comparison>(17), kAllow}};
  check_equal(problem_of(long_rule), "more than 16 comparisons in one rule");
  long_rule.rules[0].comparisons.pop_back();
  check_equal(problem_of(long_rule), "");
  Filter huge;
  for (int i = 0; i < 200; ++i) huge.rules.push_back({{"read"}, std::vector<Comparison>(16), kAllow});
  check_equal(problem_of(huge), "more than 4096 instructions");
}

void tells_why_it_was_not_installed() {
  Program program = compiled({kAllow, {}});
  auto install = [&] { return talos::sys::install_filter_everywhere(program); };
  talos::test::fail_call("prctl", 1, EINVAL);
  auto refused = install();
  check(!refused && refused.error().errno_value == EINVAL && std::string_view(refused.error().syscall) == "prctl");
  for (int error : {ESRCH, EACCES, ENOMEM, ENOSYS}) {
    talos::test::answer_call("prctl", 1, [](talos::test::Call&) { return 0L; });
    talos::test::fail_call("seccomp", 1, error);
    auto failed = install();
    check(!failed && failed.error().errno_value == error && std::string_view(failed.error().syscall) == "seccomp");
    check(talos::test::clear_faults());
  }
}

}  // namespace

int main() {
  knows_the_numbers();
  decides_by_name_on_both_architectures();
  refuses_other_abis();
  compares_arguments();
  tries_rules_in_their_order();
  agrees_with_a_model();
  takes_few_steps_for_a_long_list();
  says_what_is_wrong();
  tells_why_it_was_not_installed();
  return talos::test::finish();
}
