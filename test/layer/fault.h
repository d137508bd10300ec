// Where the fault injector of the test image listens: an abstract socket, so that no file system is involved.
#pragma once

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

inline socklen_t fault_address(sockaddr_un& address) {
  constexpr char kName[] = "\0talos-test-fault";
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, kName, sizeof kName - 1);
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + sizeof kName - 1);
}
