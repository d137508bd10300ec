// Between the wrapped functions (fault_wraps.cc) and what is armed (fault.cc).
#pragma once

#include "test/fault.h"

namespace talos::test {

// What becomes of a call: the kernel's answer, or the one that a test has armed.
long dispatch(Call& call);

}  // namespace talos::test
