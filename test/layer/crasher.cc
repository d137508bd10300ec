// A service that cannot work: says why and exits. Its last line belongs into its state, and each restart waits longer than the
// one before.
#include <stdio.h>
#include <unistd.h>

int main() {
  puts("crasher: looking for a reason to go on");
  puts("crasher: found none, giving up");
  fflush(stdout);
  return 1;
}
