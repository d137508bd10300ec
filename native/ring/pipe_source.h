// Takes what a service writes out of its pipe, 64 KiB at a time, on the reactor thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "reactor/reactor.h"
#include "ring/format.h"

namespace talos::ring {

class Log;

class PipeSource : public ReadyHandler {
 public:
  PipeSource(std::shared_ptr<Log> log, UniqueFd pipe, Stream stream)
      : log_(std::move(log)), pipe_(std::move(pipe)), stream_(stream) {}

  void on_ready(uint32_t events) noexcept override;

  [[nodiscard]] int fd() const { return pipe_.get(); }
  [[nodiscard]] Stream stream() const { return stream_; }
  // Reactor thread, once it is no longer registered.
  void close() { pipe_.reset(); }
  // Guarded by the log's lock.
  std::optional<Reactor::Token> token;

 private:
  std::shared_ptr<Log> log_;
  UniqueFd pipe_;
  Stream stream_;
  // Reactor thread only: the start of a line whose end has not come yet.
  std::string unfinished_;
  bool ended_ = false;
};

}  // namespace talos::ring
