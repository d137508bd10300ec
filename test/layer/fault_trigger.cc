// Asks the fault injector inside PID 1 (fault_addon.cc) for one fault: fault-trigger WORD.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fault.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  socklen_t length = fault_address(address);
  if (connection < 0 || connect(connection, reinterpret_cast<sockaddr*>(&address), length) != 0) {
    perror("fault-trigger: connect");
    return 1;
  }
  if (send(connection, argv[1], strlen(argv[1]), MSG_NOSIGNAL) < 0) {
    perror("fault-trigger: send");
    return 1;
  }
  printf("fault-trigger: asked for %s\n", argv[1]);
  return 0;
}
