// Takes memory, and writes to all of it, until the kernel ends this process.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main() {
  constexpr size_t kMebibyte = 1 << 20;
  printf("hog: taking memory\n");
  fflush(stdout);
  for (;;) {
    void* memory = malloc(kMebibyte);
    if (memory == nullptr) return 1;
    memset(memory, 1, kMebibyte);
  }
}
