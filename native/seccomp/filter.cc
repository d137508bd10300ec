#include "seccomp/filter.h"

#include <cstddef>
#include <map>
#include <optional>
#include <span>

namespace talos::seccomp {

namespace {

using Code = std::vector<BpfInstruction>;

// Of linux/bpf_common.h: class | size or operation | mode or source.
constexpr uint16_t kLoadWord = 0x20;        // BPF_LD | BPF_W | BPF_ABS
constexpr uint16_t kAnd = 0x54;             // BPF_ALU | BPF_AND | BPF_K
constexpr uint16_t kJump = 0x05;            // BPF_JMP | BPF_JA
constexpr uint16_t kIfEqual = 0x15;         // BPF_JMP | BPF_JEQ | BPF_K
constexpr uint16_t kIfGreater = 0x25;       // BPF_JMP | BPF_JGT | BPF_K
constexpr uint16_t kIfGreaterEqual = 0x35;  // BPF_JMP | BPF_JGE | BPF_K
constexpr uint16_t kReturn = 0x06;          // BPF_RET | BPF_K

// struct seccomp_data of linux/seccomp.h.
constexpr uint32_t kNumberOffset = 0;
constexpr uint32_t kArchitectureOffset = 4;
constexpr uint32_t argument_offset(uint32_t index, bool high) { return 16 + 8 * index + (high ? 4 : 0); }  // little endian

constexpr uint32_t kAuditX86_64 = 0xc000'003e;
constexpr uint32_t kAuditAarch64 = 0xc000'00b7;
constexpr uint32_t kX32Bit = 0x4000'0000;

constexpr size_t kMaxInstructions = 4096;
constexpr size_t kMaxComparisons = 16;  // 6 instructions each: a failed one must reach the end of its rule by an 8-bit jump
constexpr uint32_t kLastArgument = 5;
constexpr size_t kMaxConditionalJump = 255;

// Jumps of a comparison until it is known how long its rule is.
constexpr uint8_t kNext = 0;
constexpr uint8_t kFail = 255;

void append(Code& code, const Code& more) { code.insert(code.end(), more.begin(), more.end()); }

// Falls through when it holds; jumps by kFail when it does not. At most 6 instructions.
void append_comparison(Code& code, const Comparison& comparison) {
  const auto high = static_cast<uint32_t>(comparison.value >> 32);
  const auto low = static_cast<uint32_t>(comparison.value);
  auto load = [&](bool upper) { code.push_back({kLoadWord, 0, 0, argument_offset(comparison.argument, upper)}); };
  // The upper halves decide unless they are equal; then the lower halves do, by `last`.
  auto ordered = [&](bool greater, BpfInstruction last) {
    load(true);
    if (greater) {
      code.push_back({kIfGreater, 3, kNext, high});
      code.push_back({kIfEqual, kNext, kFail, high});
    } else {
      code.push_back({kIfGreater, kFail, kNext, high});
      code.push_back({kIfEqual, kNext, 2, high});
    }
    load(false);
    code.push_back(last);
  };
  switch (comparison.operation) {
    case Operator::kEqual:
      load(true);
      code.push_back({kIfEqual, kNext, kFail, high});
      load(false);
      code.push_back({kIfEqual, kNext, kFail, low});
      return;
    case Operator::kNotEqual:
      load(true);
      code.push_back({kIfEqual, kNext, 2, high});
      load(false);
      code.push_back({kIfEqual, kFail, kNext, low});
      return;
    case Operator::kMasked:
      load(true);
      code.push_back({kAnd, 0, 0, static_cast<uint32_t>(comparison.mask >> 32)});
      code.push_back({kIfEqual, kNext, kFail, high});
      load(false);
      code.push_back({kAnd, 0, 0, static_cast<uint32_t>(comparison.mask)});
      code.push_back({kIfEqual, kNext, kFail, low});
      return;
    case Operator::kGreater:
      return ordered(true, {kIfGreater, kNext, kFail, low});
    case Operator::kGreaterOrEqual:
      return ordered(true, {kIfGreaterEqual, kNext, kFail, low});
    case Operator::kLess:
      return ordered(false, {kIfGreaterEqual, kFail, kNext, low});
    case Operator::kLessOrEqual:
      return ordered(false, {kIfGreater, kFail, kNext, low});
  }
}

// The comparisons, the action, and behind it whatever is tried next.
void append_rule(Code& code, const Rule& rule) {
  Code body;
  for (const Comparison& comparison : rule.comparisons) append_comparison(body, comparison);
  for (size_t i = 0; i < body.size(); ++i) {
    const auto past_action = static_cast<uint8_t>(body.size() - i);
    if (body[i].jump_true == kFail) body[i].jump_true = past_action;
    if (body[i].jump_false == kFail) body[i].jump_false = past_action;
  }
  append(code, body);
  code.push_back({kReturn, 0, 0, rule.action});
}

// What is done with the numbers from `first` up to the next segment.
struct Segment {
  uint32_t first;
  Code code;

  [[nodiscard]] bool always_returns(Action action) const { return code.size() == 1 && code[0].value == action; }
};

void append_segment(std::vector<Segment>& segments, Segment segment) {
  // Neighbours that are treated alike are one.
  if (!segments.empty() && segment.code.size() == 1 && segments.back().always_returns(segment.code[0].value)) return;
  segments.push_back(std::move(segment));
}

using RulesByNumber = std::map<uint32_t, std::vector<const Rule*>>;

std::vector<Segment> segments_of(const RulesByNumber& rules, Action default_action) {
  const Code by_default{{kReturn, 0, 0, default_action}};
  std::vector<Segment> segments;
  uint32_t next = 0;
  for (const auto& [number, list] : rules) {
    if (number > next) append_segment(segments, {next, by_default});
    Code code;
    bool is_decided = false;
    for (const Rule* rule : list) {
      append_rule(code, *rule);
      is_decided = rule->comparisons.empty();
      if (is_decided) break;
    }
    if (!is_decided) append(code, by_default);
    append_segment(segments, {number, std::move(code)});
    next = number + 1;
  }
  append_segment(segments, {next, by_default});
  return segments;
}

Code search_tree(std::span<const Segment> segments) {
  if (segments.size() == 1) return segments[0].code;
  const size_t middle = segments.size() / 2;
  const Code below = search_tree(segments.first(middle));
  Code code;
  if (below.size() <= kMaxConditionalJump) {
    code.push_back({kIfGreaterEqual, static_cast<uint8_t>(below.size()), 0, segments[middle].first});
  } else {
    code.push_back({kIfGreaterEqual, 0, 1, segments[middle].first});
    code.push_back({kJump, 0, 0, static_cast<uint32_t>(below.size())});
  }
  append(code, below);
  append(code, search_tree(segments.subspan(middle)));
  return code;
}

Error invalid(std::string what) { return Error{EINVAL, "seccomp", {}, {}, std::move(what)}; }

std::optional<Error> problem_of(const Rule& rule) {
  if (rule.comparisons.size() > kMaxComparisons) return invalid("more than 16 comparisons in one rule");
  for (const Comparison& comparison : rule.comparisons) {
    if (comparison.argument > kLastArgument) return invalid("a system call has the arguments 0 to 5");
    if (comparison.operation == Operator::kMasked && (comparison.value & ~comparison.mask) != 0) {
      return invalid("the value has bits outside of the mask");
    }
  }
  return std::nullopt;
}

Code prologue(Architecture architecture) {
  const bool is_x86 = architecture == Architecture::kX86_64;
  Code code{{kLoadWord, 0, 0, kArchitectureOffset},
            {kIfEqual, 1, 0, is_x86 ? kAuditX86_64 : kAuditAarch64},
            {kReturn, 0, 0, kKillProcess},
            {kLoadWord, 0, 0, kNumberOffset}};
  if (is_x86) append(code, {{kIfGreaterEqual, 0, 1, kX32Bit}, {kReturn, 0, 0, kKillProcess}});
  return code;
}

}  // namespace

Result<std::vector<BpfInstruction>> compile(const Filter& filter, Architecture architecture) {
  RulesByNumber rules;
  for (const Rule& rule : filter.rules) {
    if (auto problem = problem_of(rule)) return *std::move(problem);
    for (const std::string& name : rule.syscalls) {
      auto found = find_syscall(name);
      if (!found) return invalid("no system call is named '" + name + "'");
      if (int number = found->on(architecture); number >= 0) rules[static_cast<uint32_t>(number)].push_back(&rule);
    }
  }
  Code code = prologue(architecture);
  append(code, search_tree(segments_of(rules, filter.default_action)));
  if (code.size() > kMaxInstructions) return Error{E2BIG, "seccomp", {}, {}, "more than 4096 instructions"};
  return code;
}

}  // namespace talos::seccomp
