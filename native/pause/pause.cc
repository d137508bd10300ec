// The first process of every pod: holds the pod's name spaces, reaps what the pod's containers leave behind, and ends when it is
// told to. Nothing else may ever happen here, so there is no output, no option and no memory that grows.
#include <sys/wait.h>

#include <csignal>

int main() {
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  sigaddset(&awaited, SIGINT);
  sigaddset(&awaited, SIGTERM);
  // The first process of a name space is not ended by signals that it does not handle; blocked ones are kept for sigwait.
  if (sigprocmask(SIG_BLOCK, &awaited, nullptr) != 0) return 1;
  for (;;) {
    // First of all what ended before this program began.
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    int signal = 0;
    if (sigwait(&awaited, &signal) != 0) return 2;
    if (signal != SIGCHLD) return 0;
  }
}
