// System calls for the child of a spawn, between clone and exec. All of them raw (no glibc wrapper: those of credentials signal
// every thread of the parent), none allocates. Each returns 0 or a positive errno.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bpf.h"
#include "sys/clone_calls.h"

namespace talos::sys::child {

// Sleeps until the parent has opened the gate. ECANCELED: it gave up.
int wait_at(BirthGate& gate);
// Default dispositions for all signals: ignored ones would stay ignored across exec (Node ignores SIGPIPE).
int reset_signal_dispositions();
int unblock_all_signals();
int new_session();
int write_oom_score_adj(int value);
int set_rlimit(int resource, uint64_t soft, uint64_t hard);
// The lowest free number from `minimum` on, close-on-exec, into `result`.
int duplicate_above(int fd, int minimum, int& result);
int duplicate_to(int fd, int target);
// Takes close-on-exec off.
void keep_open(int fd);
// close_range(2) with CLOSE_RANGE_CLOEXEC.
int close_on_exec_from(int first);
int change_directory(const char* path);
// EINVAL: no such capability in this kernel.
int drop_bounding(int capability);
int keep_capabilities();
int set_groups(const uint32_t* groups, size_t count);
int set_gid(uint32_t gid);
int set_uid(uint32_t uid);
// The same mask for effective, permitted and inheritable.
int set_capabilities(uint64_t mask);
int raise_ambient(int capability);
int set_no_new_privileges();
// seccomp(2), for this process alone. EACCES: neither no_new_privs nor CAP_SYS_ADMIN.
int set_filter(const BpfInstruction* program, size_t count);
// Returns only to fail.
int execute(const char* file, char* const* argv, char* const* env);

}  // namespace talos::sys::child
