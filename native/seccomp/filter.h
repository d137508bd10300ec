// From a list of rules about system calls to a program of classic BPF for seccomp(2). Pure: installing is sys/seccomp_calls.
//
// What every program does first, whatever the rules say: a call of another architecture (32-bit on a 64-bit kernel) or of x32
// kills the process, for the numbers of the rules mean something else there. Then a search tree over the numbers; only calls with
// comparisons look at arguments. What no rule matches gets the default action.
//
// A comparison sees the 64 bits of the register. What the kernel takes as an int may come with anything in the upper half:
// compare such arguments with kMasked and a mask of 0xffffffff. What a pointer points to cannot be seen.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bpf.h"
#include "base/result.h"
#include "seccomp/syscall_table.h"

namespace talos::seccomp {

// SECCOMP_RET_* of linux/seccomp.h.
using Action = uint32_t;
constexpr Action kAllow = 0x7fff'0000;
constexpr Action kLog = 0x7ffc'0000;  // allowed, and told to the audit log of a kernel that has one
constexpr Action kKillProcess = 0x8000'0000;
constexpr int kLargestErrno = 4095;
constexpr Action fail_with(int errno_value) { return 0x0005'0000U | static_cast<uint32_t>(errno_value); }

enum class Operator : uint8_t { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kMasked };

struct Comparison {
  uint32_t argument = 0;  // 0 to 5
  Operator operation = Operator::kEqual;
  uint64_t value = 0;  // unsigned
  uint64_t mask = 0;   // of kMasked: (argument & mask) == value
};

// Matches when the call is one of the names and all comparisons hold.
struct Rule {
  std::vector<std::string> syscalls;
  std::vector<Comparison> comparisons;
  Action action = kAllow;
};

// Rules about the same call are tried in their order; the first that matches decides.
struct Filter {
  Action default_action = kKillProcess;
  std::vector<Rule> rules;
};

// A name that only the other architecture has is left out, so one list serves both.
// EINVAL with what is wrong in `detail`: an unknown name, an argument above 5, more than 16 comparisons in a rule, a mask that
// the value does not lie in (it could never match). E2BIG: the kernel takes 4096 instructions.
Result<std::vector<BpfInstruction>> compile(const Filter& filter, Architecture architecture);

}  // namespace talos::seccomp
