// clone3(2) for a child on a stack of its own. In a file by itself and with a C name, so that tests can put their own in its
// place.
#pragma once

struct clone_args;

// In the child, calls `entry` and exits with what it returns. In the parent, the child's pid or a negative errno.
extern "C" long talos_clone3_and_call(clone_args* arguments, int (*entry)(void*), void* argument);
