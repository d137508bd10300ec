// How the cores report failure: a value, or the system call that failed and why. C++ exceptions are off.
#pragma once

#include <cassert>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace talos {

// What Node's own errors carry: the binding turns it into {code, errno, syscall, path, dest}.
struct Error {
  int errno_value = 0;
  const char* syscall = "";
  std::string path{};
  std::string dest{};
  // A step inside a longer operation ("exec" of spawn), or the kernel's own words (netlink extended ack); empty without one.
  std::string detail{};
};

// Call it right behind the failing call: it reads errno.
inline Error last_error(const char* syscall, std::string path = {}, std::string dest = {}) {
  int saved = errno;
  return Error{saved, syscall, std::move(path), std::move(dest), {}};
}

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  T& value() & noexcept { return *std::get_if<0>(&state_); }
  const T& value() const& noexcept { return *std::get_if<0>(&state_); }
  T&& value() && noexcept { return std::move(*std::get_if<0>(&state_)); }
  Error& error() noexcept { return *std::get_if<1>(&state_); }
  const Error& error() const noexcept { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() noexcept = default;
  Result(Error error) : error_(std::move(error)) {}

  [[nodiscard]] bool ok() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }
  Error& error() noexcept { return *error_; }
  const Error& error() const noexcept { return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace talos
