// One service's log in PID 1: a ring, the pipes that feed it and the doorbells of those who follow it.
//
// Pipes are read by the reactor thread; the other methods may be called by any thread. One lock guards the ring; it is held for
// the copying of one slab at most, and never during a system call that can sleep.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "ring/writer.h"

namespace talos::ring {

class PipeSource;

class Log : public std::enable_shared_from_this<Log> {
 public:
  struct Subscription {
    UniqueFd memory;
    UniqueFd doorbell;
    uint64_t id = 0;
  };

  static Result<std::shared_ptr<Log>> create(const std::string& name, size_t data_bytes);

  ~Log();

  // `on_drained` is called (on the reactor thread, without the lock) whenever the last attached pipe has come to its end.
  void set_drain_listener(std::function<void()> on_drained);

  // Reads the pipe until its end. ECANCELED after close().
  Result<void> attach(UniqueFd pipe, Stream stream);
  [[nodiscard]] size_t open_pipes() const;

  // Lines of our own; a missing last newline is added.
  void write(std::string_view text);

  Result<Subscription> subscribe();
  // Idempotent.
  void unsubscribe(uint64_t id);

  [[nodiscard]] std::string last_line(size_t max_bytes) const;
  struct Stats {
    uint64_t records;
    uint64_t bytes;
    size_t data_bytes;
  };
  [[nodiscard]] Stats stats() const;

  // Closes the pipes and our side of the memory, rings everybody a last time. Readers keep what they have. Idempotent.
  void close();

 private:
  friend class PipeSource;
  struct Bell {
    uint64_t id;
    UniqueFd ringer;
  };

  explicit Log(Writer writer) : writer_(std::move(writer)) {}
  [[nodiscard]] Stats current_stats() const;

  // Reactor thread. Returns how many bytes at the end of `text` are the start of an unfinished line.
  size_t append(Stream stream, std::string_view text);
  // Reactor thread: the end of a pipe, with what it left unfinished.
  void end_of(PipeSource* source, std::string_view unfinished);
  void publish_and_ring();

  mutable std::mutex mutex_;      // guards everything below
  std::optional<Writer> writer_;  // until close()
  Stats last_stats_{};            // since then
  std::list<std::shared_ptr<PipeSource>> pipes_;
  std::list<Bell> bells_;
  uint64_t next_subscription_ = 1;
  std::function<void()> on_drained_;
};

}  // namespace talos::ring
