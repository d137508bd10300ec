// KmsgModule of the contract, in the raw shape of lib/native/kmsg.ts.
#include <napi.h>

#include <optional>

#include "bind/addon_data.h"
#include "bind/error.h"
#include "bind/fd.h"
#include "bind/modules.h"
#include "bind/numbers.h"
#include "bind/strings.h"
#include "bind/takes.h"
#include "bind/watch.h"
#include "kmsg/reader.h"
#include "sys/kmsg_calls.h"

namespace talos::bind {

namespace {

class KmsgReader : public Napi::ObjectWrap<KmsgReader> {
 public:
  static void define(Napi::Env env) {
    Napi::Function constructor =
        DefineClass(env, "KmsgReader",
                    {InstanceMethod<&KmsgReader::read>("read"), InstanceMethod<&KmsgReader::wait>("wait"),
                     InstanceMethod<&KmsgReader::close>("close")});
    AddonData::of(env).constructor(ClassId::kKmsgReader) = Napi::Persistent(constructor);
  }

  static Napi::Value create(Napi::Env env, UniqueFd fd) {
    Napi::Object object;
    if (auto* made = make_object<KmsgReader>(env, ClassId::kKmsgReader, object)) made->reader_.emplace(std::move(fd));
    return object;
  }

  explicit KmsgReader(const Napi::CallbackInfo& info) : Napi::ObjectWrap<KmsgReader>(info) {}

 private:
  static Error closed() { return Error{ECANCELED, "kmsg", {}, {}, "the reader is closed"}; }

  // {fields, text, missed}: three crossings a batch.
  Napi::Value read(const Napi::CallbackInfo& info) {
    if (!takes(info, "n")) return {};
    Napi::Env env = info.Env();
    Result<kmsg::Batch> batch = reader_ ? reader_->read(info[0].As<Napi::Number>().Uint32Value()) : closed();
    if (!batch) {
      throw_error(env, batch.error());
      return env.Undefined();
    }
    auto fields = make_numbers<double>(env, batch.value().entries.size() * kFields, [&](double* out) {
      for (const kmsg::BatchEntry& entry : batch.value().entries) {
        *out++ = entry.header.facility;
        *out++ = entry.header.level;
        *out++ = static_cast<double>(entry.header.sequence);
        *out++ = static_cast<double>(entry.header.timestamp_us);
        *out++ = entry.header.is_fragment ? 1 : 0;
        *out++ = static_cast<double>(entry.message_end);
        *out++ = static_cast<double>(entry.subsystem_end);
        *out++ = static_cast<double>(entry.device_end);
      }
    });
    if (fields.IsEmpty()) return {};
    Napi::Object object = Napi::Object::New(env);
    object.Set("fields", fields);
    object.Set("text", Napi::Buffer<char>::Copy(env, batch.value().text.data(), batch.value().text.size()));
    object.Set("missed", static_cast<double>(batch.value().missed));
    return object;
  }

  Napi::Value wait(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    if (reader_) return watch_.wait(Value(), reader_->fd());
    auto deferred = Napi::Promise::Deferred::New(env);
    deferred.Reject(to_js_error(env, closed()).Value());
    return deferred.Promise();
  }

  void close(const Napi::CallbackInfo& info) {
    watch_.close(info.Env());
    reader_.reset();
  }

  static constexpr size_t kFields = 8;

  // The watch goes first: it must not wait for a descriptor that is closed.
  std::optional<kmsg::Reader> reader_;
  Watch watch_;
};

Napi::Value subscribe(const Napi::CallbackInfo& info) {
  if (!takes(info, "s")) return {};
  auto position = to_string(info[0]) == "end" ? sys::KmsgPosition::kEnd : sys::KmsgPosition::kStart;
  auto fd = sys::open_kmsg_reader(position);
  if (fd) return FileDescriptor::create(info.Env(), std::move(fd).value());
  throw_error(info.Env(), fd.error());
  return info.Env().Undefined();
}

Napi::Value open_kmsg_reader(const Napi::CallbackInfo& info) {
  if (!takes(info, "D")) return {};
  UniqueFd fd = take_fd(info.Env(), info[0]);
  return fd ? KmsgReader::create(info.Env(), std::move(fd)) : info.Env().Undefined();
}

void write(const Napi::CallbackInfo& info) {
  if (!takes(info, "ns")) return;
  auto written = kmsg::write(info[0].As<Napi::Number>().Int32Value(), to_string(info[1]));
  if (!written) throw_error(info.Env(), written.error());
}

}  // namespace

void init_kmsg(Napi::Env env, Napi::Object exports) {
  KmsgReader::define(env);
  Napi::Object module = Napi::Object::New(env);
  module.Set("subscribe", Napi::Function::New<subscribe>(env, "subscribe"));
  module.Set("openReader", Napi::Function::New<open_kmsg_reader>(env, "openReader"));
  module.Set("write", Napi::Function::New<write>(env, "write"));
  exports.Set("kmsg", module);
}

}  // namespace talos::bind
