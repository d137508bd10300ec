// How many processes a second the kernel itself starts and ends, one after the other: vfork, exec and wait in a small program.
// What is above that is the price of whoever does more.
//
//   spawn_floor FILE SECONDS     prints starts a second
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  if (argc != 3) return EXIT_FAILURE;
  using Clock = std::chrono::steady_clock;
  char* arguments[] = {argv[1], nullptr};
  char* environment[] = {nullptr};
  const auto begun = Clock::now();
  const auto end = begun + std::chrono::duration<double>(std::atof(argv[2]));
  long started = 0;
  for (; Clock::now() < end; started++) {
    pid_t child = ::vfork();
    if (child == 0) {
      ::execve(argv[1], arguments, environment);
      ::_exit(127);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) return EXIT_FAILURE;
  }
  const std::chrono::duration<double> took = Clock::now() - begun;
  std::printf("%f\n", static_cast<double>(started) / took.count());
  return EXIT_SUCCESS;
}
