#include "ring/log.h"

#include <sys/epoll.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "ring/pipe_source.h"
#include "sys/descriptor_calls.h"
#include "sys/doorbell_calls.h"

namespace talos::ring {

namespace {

// Lets a service run ahead of the reactor without going to sleep; pages are taken only while it does.
constexpr int kPipeBytes = 256 * 1024;

uint64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace

Result<std::shared_ptr<Log>> Log::create(const std::string& name, size_t data_bytes) {
  auto writer = Writer::create(name, data_bytes);
  if (!writer) return writer.error();
  return std::shared_ptr<Log>(new Log(std::move(writer).value()));
}

Log::~Log() = default;

void Log::set_drain_listener(std::function<void()> on_drained) {
  std::lock_guard lock(mutex_);
  on_drained_ = std::move(on_drained);
}

Result<void> Log::attach(UniqueFd pipe, Stream stream) {
  if (auto set = sys::set_nonblocking(pipe.get()); !set) return set.error();
  sys::try_set_pipe_bytes(pipe.get(), kPipeBytes);
  auto source = std::make_shared<PipeSource>(shared_from_this(), std::move(pipe), stream);
  // Held over the registration: the reactor may come to the end of the pipe before we know the token.
  std::lock_guard lock(mutex_);
  if (!writer_) return Error{ECANCELED, "attach", {}, {}, "the log is closed"};
  auto token = Reactor::instance().add(source->fd(), EPOLLIN, source);
  if (!token) return token.error();
  source->token = token.value();
  pipes_.push_back(std::move(source));
  return {};
}

size_t Log::open_pipes() const {
  std::lock_guard lock(mutex_);
  return pipes_.size();
}

void Log::write(std::string_view text) {
  std::lock_guard lock(mutex_);
  if (!writer_ || text.empty()) return;
  const uint64_t time = now_ns();
  std::string_view rest = writer_->append_lines(Stream::kSystem, time, text);
  if (!rest.empty()) writer_->append_lines(Stream::kSystem, time, std::string(rest) + '\n');
  publish_and_ring();
}

size_t Log::append(Stream stream, std::string_view text) {
  std::lock_guard lock(mutex_);
  if (!writer_) return 0;
  std::string_view rest = writer_->append_lines(stream, now_ns(), text);
  if (rest.size() < text.size()) publish_and_ring();
  return rest.size();
}

void Log::end_of(PipeSource* source, std::string_view unfinished) {
  std::function<void()> listener;
  {
    std::lock_guard lock(mutex_);
    if (!writer_) return;
    if (!unfinished.empty()) {
      writer_->append_lines(source->stream(), now_ns(), std::string(unfinished) + '\n');
      publish_and_ring();
    }
    Reactor::instance().remove(*source->token);
    // Before anybody hears of it: who waits for the end may count on the pipe being closed.
    source->close();
    // The reactor's own reference keeps the source alive until it returns from the call that we are in.
    std::erase_if(pipes_, [source](const auto& pipe) { return pipe.get() == source; });
    if (pipes_.empty()) listener = on_drained_;
  }
  if (listener) listener();
}

void Log::publish_and_ring() {
  writer_->publish();
  for (const Bell& bell : bells_) sys::ring_doorbell(bell.ringer.get());
}

Result<Log::Subscription> Log::subscribe() {
  std::lock_guard lock(mutex_);
  if (!writer_) return Error{ECANCELED, "subscribe", {}, {}, "the log is closed"};
  auto memory = sys::duplicate_descriptor(writer_->memory());
  if (!memory) return memory.error();
  auto doorbell = sys::create_doorbell();
  if (!doorbell) return doorbell.error();
  const uint64_t id = next_subscription_++;
  bells_.push_back({id, std::move(doorbell.value().ringer)});
  return Subscription{std::move(memory).value(), std::move(doorbell.value().listener), id};
}

void Log::unsubscribe(uint64_t id) {
  std::lock_guard lock(mutex_);
  std::erase_if(bells_, [id](const Bell& bell) { return bell.id == id; });
}

std::string Log::last_line(size_t max_bytes) const {
  std::lock_guard lock(mutex_);
  return writer_ ? writer_->last_line(max_bytes) : std::string();
}

Log::Stats Log::stats() const {
  std::lock_guard lock(mutex_);
  return writer_ ? current_stats() : last_stats_;
}

Log::Stats Log::current_stats() const {
  return {writer_->positions().head_records, writer_->positions().head_bytes, writer_->data_bytes()};
}

void Log::close() {
  // Sources die outside of the lock: the last of them may be all that holds this log.
  std::list<std::shared_ptr<PipeSource>> pipes;
  std::list<Bell> bells;
  std::function<void()> listener;
  std::lock_guard lock(mutex_);
  if (!writer_) return;
  publish_and_ring();
  last_stats_ = current_stats();
  writer_.reset();
  for (const auto& pipe : pipes_) Reactor::instance().remove(*pipe->token);
  pipes.swap(pipes_);
  bells.swap(bells_);
  listener.swap(on_drained_);
}

}  // namespace talos::ring
