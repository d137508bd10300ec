// The functions that --wrap puts before the calls of fault_table.h.
//
// All of them have one signature of seven machine words. On the architectures we build for (x86-64, AArch64; LP64) integers and
// pointers travel in such words, variadic or not, and a callee does not look at those it has no parameter for.
#include <dirent.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <type_traits>

#include "test/fault_dispatch.h"

static_assert(sizeof(void*) == 8 && sizeof(long) == 8);

namespace talos::test {
namespace {

using Failure = Call::Failure;

template <typename Type>
using Function = Type (*)(long, long, long, long, long, long, long);

template <typename Type>
long call_real(void* function, const Call::Arguments& args) {
  auto real = reinterpret_cast<Function<Type>>(function);
  if constexpr (std::is_void_v<Type>) {
    real(args[0], args[1], args[2], args[3], args[4], args[5], args[6]);
    return 0;
  } else if constexpr (std::is_pointer_v<Type>) {
    Type result = real(args[0], args[1], args[2], args[3], args[4], args[5], args[6]);
    return reinterpret_cast<long>(result);
  } else {
    return real(args[0], args[1], args[2], args[3], args[4], args[5], args[6]);
  }
}

template <typename Type>
Type around(Failure how, const char* name, const Call::Arguments& arguments, Function<Type> function) {
  Call call(name, how, arguments, &call_real<Type>, reinterpret_cast<void*>(function));
  long result = dispatch(call);
  if constexpr (std::is_void_v<Type>) {
    return;
  } else if constexpr (std::is_pointer_v<Type>) {
    return reinterpret_cast<Type>(result);
  } else {
    return static_cast<Type>(result);
  }
}

const char* syscall_name(long number) {
  switch (number) {
#define TALOS_SYSCALL(name) \
  case SYS_##name:          \
    return #name;
#include "test/fault_table.h"
    default:
      return "syscall";
  }
}

}  // namespace
}  // namespace talos::test

#define TALOS_WRAP(how, type, name)                                                       \
  extern "C" type __real_##name(long, long, long, long, long, long, long);                \
  extern "C" type __wrap_##name(long a, long b, long c, long d, long e, long f, long g) { \
    using namespace talos::test;                                                          \
    return around<type>(Failure::how, #name, {a, b, c, d, e, f, g}, &__real_##name);      \
  }
#include "test/fault_table.h"

// syscall(2): the number chooses the name, and goes along in front of the others.
extern "C" long __real_syscall(long, long, long, long, long, long, long);

extern "C" long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f) {
  using namespace talos::test;
  auto real = [](void* word, const Call::Arguments& args) {
    return __real_syscall(reinterpret_cast<long>(word), args[0], args[1], args[2], args[3], args[4], args[5]);
  };
  Call call(syscall_name(number), Failure::kMinusOne, {a, b, c, d, e, f, 0}, real, reinterpret_cast<void*>(number));
  return dispatch(call);
}
