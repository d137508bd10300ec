#include "sys/clone3.h"

#include <linux/sched.h>
#include <sys/syscall.h>

// The child returns from the system call on another stack, so no C++ frame may lie between: it calls the entry from here.
extern "C" long talos_clone3_and_call(clone_args* arguments, int (*entry)(void*), void* argument) {
#if defined(__x86_64__)
  long result;
  register int (*entry_register)(void*) asm("r8") = entry;
  register void* argument_register asm("r9") = argument;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r9, %%rdi\n\t"
      "call *%%r8\n\t"
      "mov %%eax, %%edi\n\t"
      "mov %[exit], %%eax\n\t"
      "syscall\n\t"
      "hlt\n"
      "1:"
      : "=a"(result)
      : "a"(SYS_clone3), "D"(arguments), "S"(sizeof *arguments), "r"(entry_register), "r"(argument_register), [exit] "i"(SYS_exit)
      : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long number asm("x8") = SYS_clone3;
  register long result asm("x0") = reinterpret_cast<long>(arguments);
  register long size asm("x1") = sizeof *arguments;
  register int (*entry_register)(void*) asm("x9") = entry;
  register void* argument_register asm("x10") = argument;
  asm volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"
      "mov x30, xzr\n\t"
      "mov x0, x10\n\t"
      "blr x9\n\t"
      "mov x8, %[exit]\n\t"
      "svc #0\n\t"
      "brk #0\n"
      "1:"
      : "+r"(result)
      : "r"(number), "r"(size), "r"(entry_register), "r"(argument_register), [exit] "i"(SYS_exit)
      : "memory", "x30");
  return result;
#else
#error "clone3 of this architecture is not written"
#endif
}
