// Where connections of SOCK_SEQPACKET come in: a socket in the file system.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace talos::channel {

class Listener {
 public:
  // More that connect at once get EAGAIN, and have to try again.
  static constexpr int kBacklog = 8;

  // EADDRINUSE: there is a file of that name. It is left behind by close(): who made it knows when nobody needs it any more.
  static Result<Listener> open(const std::string& path);

  // Somebody who has connected, or nobody.
  Result<std::optional<UniqueFd>> accept();

  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  explicit Listener(UniqueFd socket) : socket_(std::move(socket)) {}

  UniqueFd socket_;
};

// The other side. ENOENT, ECONNREFUSED: nobody listens there.
Result<UniqueFd> connect(const std::string& path);

}  // namespace talos::channel
