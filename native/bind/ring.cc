// RingModule of the contract, in the raw shape of lib/native/ring.ts; LogReader is here, LogRing in log_ring.cc.
#include <napi.h>

#include <optional>
#include <span>
#include <vector>

#include "bind/addon_data.h"
#include "bind/error.h"
#include "bind/fd.h"
#include "bind/log_ring.h"
#include "bind/modules.h"
#include "bind/takes.h"
#include "bind/watch.h"
#include "ring/reader.h"
#include "sys/doorbell_calls.h"

namespace talos::bind {

namespace {

class LogReader : public Napi::ObjectWrap<LogReader> {
 public:
  static void define(Napi::Env env) {
    Napi::Function constructor =
        DefineClass(env, "LogReader",
                    {InstanceMethod<&LogReader::seek_start>("seekStart"), InstanceMethod<&LogReader::seek_tail>("seekTail"),
                     InstanceMethod<&LogReader::stop_at_head>("stopAtHead"), InstanceMethod<&LogReader::read>("read"),
                     InstanceMethod<&LogReader::wait>("wait"), InstanceMethod<&LogReader::close>("close")});
    AddonData::of(env).constructor(ClassId::kLogReader) = Napi::Persistent(constructor);
  }

  static Napi::Value create(Napi::Env env, ring::Reader reader, UniqueFd doorbell) {
    Napi::Object object;
    auto* wrapped = make_object<LogReader>(env, ClassId::kLogReader, object);
    if (wrapped == nullptr) return env.Undefined();
    wrapped->reader_.emplace(std::move(reader));
    wrapped->doorbell_ = std::move(doorbell);
    return object;
  }

  explicit LogReader(const Napi::CallbackInfo& info) : Napi::ObjectWrap<LogReader>(info) {}

 private:
  static Error closed() { return Error{ECANCELED, "ring", {}, {}, "the reader is closed"}; }

  void seek_start(const Napi::CallbackInfo& info) {
    settle(info.Env(), reader_ ? reader_->seek_start() : Result<void>(closed()));
  }

  void seek_tail(const Napi::CallbackInfo& info) {
    if (!takes(info, "n")) return;
    settle(info.Env(),
           reader_ ? reader_->seek_tail(static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value())) : Result<void>(closed()));
  }

  void stop_at_head(const Napi::CallbackInfo& info) {
    settle(info.Env(), reader_ ? reader_->stop_at_head() : Result<void>(closed()));
  }

  // Fills (buffer, counts, index): counts is a Float64Array of bytes, records, missed records, missed bytes; index is undefined
  // or one that gets milliseconds, stream and end of the text of each record, and bounds their number.
  void read(const Napi::CallbackInfo& info) {
    if (!takes(info, "ud?d")) return;
    auto buffer = info[0].As<Napi::Uint8Array>();
    auto counts = info[1].As<Napi::Float64Array>();
    if (counts.ElementLength() < kCounts) {
      throw_invalid_argument(info.Env(), "counts is too short");
      return;
    }
    if (waited_ && !watch_.is_pending()) {
      // Before the look into the ring: what is written after it rings again. Not under a wait that has not been told of it yet.
      sys::drain_doorbell(doorbell_.get());
      waited_ = false;
    }
    std::span bytes(reinterpret_cast<std::byte*>(buffer.Data()), buffer.ByteLength());
    auto slab = !reader_                ? Result<ring::Slab>(closed())
                : info[2].IsUndefined() ? reader_->read(bytes)
                                        : read_indexed(bytes, info[2].As<Napi::Float64Array>());
    if (!slab) {
      throw_error(info.Env(), slab.error());
      return;
    }
    counts[0] = static_cast<double>(slab.value().bytes);
    counts[1] = static_cast<double>(slab.value().records);
    counts[2] = static_cast<double>(slab.value().missed_records);
    counts[3] = static_cast<double>(slab.value().missed_bytes);
  }

  Result<ring::Slab> read_indexed(std::span<std::byte> bytes, Napi::Float64Array index) {
    infos_.resize(index.ElementLength() / kIndexNumbers);
    auto slab = reader_->read(bytes, infos_);
    if (!slab) return slab;
    double* out = index.Data();
    for (uint64_t record = 0; record < slab.value().records; ++record) {
      *out++ = static_cast<double>(infos_[record].time_ns) / 1e6;
      *out++ = static_cast<double>(infos_[record].stream);
      *out++ = static_cast<double>(infos_[record].text_end);
    }
    return slab;
  }

  Napi::Value wait(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    if (reader_ && doorbell_) {
      waited_ = true;
      return watch_.wait(Value(), doorbell_.get());
    }
    auto deferred = Napi::Promise::Deferred::New(env);
    Error error = reader_ ? Error{EINVAL, "wait", {}, {}, "the reader has no doorbell"} : closed();
    deferred.Reject(to_js_error(env, error).Value());
    return deferred.Promise();
  }

  void close(const Napi::CallbackInfo& info) {
    watch_.close(info.Env());
    doorbell_.reset();
    waited_ = false;
    reader_.reset();
  }

  static void settle(Napi::Env env, Result<void> result) {
    if (!result) throw_error(env, result.error());
  }

  static constexpr size_t kCounts = 4;
  static constexpr size_t kIndexNumbers = 3;

  std::optional<ring::Reader> reader_;
  std::vector<ring::RecordInfo> infos_;
  UniqueFd doorbell_;
  bool waited_ = false;
  // The watch goes first: it must not wait for a descriptor that is closed.
  Watch watch_;
};

Napi::Value open_ring_reader(const Napi::CallbackInfo& info) {
  if (!takes(info, "D?D")) return {};
  Napi::Env env = info.Env();
  UniqueFd memory = take_fd(env, info[0]);
  if (!memory) return env.Undefined();
  UniqueFd doorbell;
  if (!info[1].IsUndefined()) {
    doorbell = take_fd(env, info[1]);
    if (!doorbell) return env.Undefined();
    if (auto usable = sys::require_listener(doorbell.get()); !usable) {
      throw_error(env, usable.error());
      return env.Undefined();
    }
  }
  auto reader = ring::Reader::open(std::move(memory));
  if (reader) return LogReader::create(env, std::move(reader).value(), std::move(doorbell));
  throw_error(env, reader.error());
  return env.Undefined();
}

}  // namespace

void init_ring(Napi::Env env, Napi::Object exports) {
  define_log_ring(env);
  LogReader::define(env);
  Napi::Object module = Napi::Object::New(env);
  module.Set("create", Napi::Function::New<create_log_ring>(env, "create"));
  module.Set("openReader", Napi::Function::New<open_ring_reader>(env, "openReader"));
  exports.Set("ring", module);
}

}  // namespace talos::bind
