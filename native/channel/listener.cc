#include "channel/listener.h"

#include "sys/socket_calls.h"

namespace talos::channel {

Result<Listener> Listener::open(const std::string& path) {
  auto socket = sys::listen_seqpacket(path, kBacklog);
  if (!socket) return socket.error();
  return Listener(std::move(socket).value());
}

Result<std::optional<UniqueFd>> Listener::accept() { return sys::accept_seqpacket(socket_.get()); }

Result<UniqueFd> connect(const std::string& path) { return sys::connect_seqpacket(path); }

}  // namespace talos::channel
