// What runs between clone and exec, in our memory and on a stack of its own.
//
// Rules there: raw system calls only (glibc's setuid and friends signal other threads, which are not ours to signal), no
// allocation, no locks, nothing that another thread of ours could hold.
#pragma once

#include "process/spawn.h"

namespace talos::process {

struct ChildReport {
  int errno_value = 0;
  const char* stage = "";  // static storage
};

struct ChildContext {
  const SpawnPlan& plan;
  char* const* argv;
  char* const* env;
  int* high;             // room for one descriptor each of stdio and `descriptors`
  sys::BirthGate* gate;  // nullptr: there is none
  ChildReport report;
};

// `context` is a ChildContext. Returns only to fail, with the report filled in; the return value is the exit code.
int run_child(void* context);

}  // namespace talos::process
