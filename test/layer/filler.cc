// Takes all room on a file system, that of root too, or gives it back: filler fill|empty FILE.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  if (strcmp(argv[1], "empty") == 0) {
    if (unlink(argv[2]) != 0) return 1;
    printf("filler: gave it back\n");
    return 0;
  }
  int fd = open(argv[2], O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd == -1) return 1;
  constexpr off_t kBlock = 4096;
  off_t size = 0;
  // In pieces that become smaller: what is left in the end is less than a block.
  for (off_t piece = off_t{1} << 40; piece >= kBlock; piece /= 2) {
    while (fallocate(fd, 0, size, piece) == 0) size += piece;
    if (errno != ENOSPC && errno != EFBIG) return 1;
  }
  printf("filler: took %lld bytes\n", static_cast<long long>(size));
  return 0;
}
