// FileDescriptor of the contract: the only form in which a descriptor is seen by JavaScript.
#pragma once

#include <napi.h>

#include "base/unique_fd.h"

namespace talos::bind {

class FileDescriptor : public Napi::ObjectWrap<FileDescriptor> {
 public:
  static void define(Napi::Env env);
  static Napi::Object create(Napi::Env env, UniqueFd fd);
  // nullptr when the value is no FileDescriptor of ours.
  static FileDescriptor* unwrap(const Napi::Value& value);

  explicit FileDescriptor(const Napi::CallbackInfo& info);

  [[nodiscard]] int get() const { return fd_.get(); }
  [[nodiscard]] UniqueFd take() { return std::move(fd_); }

 private:
  Napi::Value is_open(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  Napi::Value release_number(const Napi::CallbackInfo& info);

  UniqueFd fd_;
};

// Takes the descriptor out of its handle (the addon owns it from now on). Empty, with an exception pending, when the value is
// no open FileDescriptor.
UniqueFd take_fd(Napi::Env env, const Napi::Value& value);

// The number of an open handle, still owned by it; -1, with an exception pending, when the value is no open FileDescriptor.
int borrow_fd(Napi::Env env, const Napi::Value& value);

// A descriptor of one's own for work on another thread, during which JavaScript may close the handle. Empty, with an exception
// pending, as above, or when there are too many.
UniqueFd share_fd(Napi::Env env, const Napi::Value& value);

}  // namespace talos::bind
