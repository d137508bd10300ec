#include "bind/fd.h"

#include "bind/addon_data.h"
#include "bind/error.h"
#include "sys/descriptor_calls.h"

namespace talos::bind {

namespace {
constexpr napi_type_tag kTypeTag = {0x7b1d2c1f6f1a4b0eULL, 0x9c5a3e8d20f4b7a1ULL};
}

void FileDescriptor::define(Napi::Env env) {
  Napi::Function constructor =
      DefineClass(env, "FileDescriptor",
                  {InstanceAccessor<&FileDescriptor::is_open>("isOpen"), InstanceMethod<&FileDescriptor::close>("close"),
                   InstanceMethod<&FileDescriptor::release_number>("releaseNumber")});
  AddonData::of(env).constructor(ClassId::kFileDescriptor) = Napi::Persistent(constructor);
}

FileDescriptor::FileDescriptor(const Napi::CallbackInfo& info) : Napi::ObjectWrap<FileDescriptor>(info) {
  // It is empty when its thread is being terminated.
  if (!IsEmpty()) Value().TypeTag(&kTypeTag);
}

Napi::Object FileDescriptor::create(Napi::Env env, UniqueFd fd) {
  Napi::Object object;
  if (auto* made = make_object<FileDescriptor>(env, ClassId::kFileDescriptor, object)) made->fd_ = std::move(fd);
  return object;
}

FileDescriptor* FileDescriptor::unwrap(const Napi::Value& value) {
  if (!value.IsObject()) return nullptr;
  Napi::Object object = value.As<Napi::Object>();
  return object.CheckTypeTag(&kTypeTag) ? Unwrap(object) : nullptr;
}

Napi::Value FileDescriptor::is_open(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), fd_.is_open()); }

void FileDescriptor::close(const Napi::CallbackInfo&) { fd_.reset(); }

Napi::Value FileDescriptor::release_number(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), fd_.release());
}

// nullptr, with an exception pending, when the value is no open FileDescriptor.
static FileDescriptor* unwrap_open(Napi::Env env, const Napi::Value& value) {
  FileDescriptor* descriptor = FileDescriptor::unwrap(value);
  if (descriptor == nullptr) {
    throw_invalid_argument(env, "expected a FileDescriptor");
    return nullptr;
  }
  if (descriptor->get() != -1) return descriptor;
  throw_error(env, Error{EBADF, "FileDescriptor", {}, {}, {}});
  return nullptr;
}

UniqueFd take_fd(Napi::Env env, const Napi::Value& value) {
  FileDescriptor* descriptor = unwrap_open(env, value);
  return descriptor == nullptr ? UniqueFd() : descriptor->take();
}

int borrow_fd(Napi::Env env, const Napi::Value& value) {
  FileDescriptor* descriptor = unwrap_open(env, value);
  return descriptor == nullptr ? -1 : descriptor->get();
}

UniqueFd share_fd(Napi::Env env, const Napi::Value& value) {
  int fd = borrow_fd(env, value);
  if (fd == -1) return UniqueFd();
  auto copy = sys::duplicate_descriptor(fd);
  if (copy) return std::move(copy).value();
  throw_error(env, copy.error());
  return UniqueFd();
}

}  // namespace talos::bind
