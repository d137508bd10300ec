#include "stage0/command_line.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace talos::stage0 {
namespace {

constexpr size_t kCommandLineBytes = 4096;  // the kernel keeps 2048 on both architectures

}  // namespace

std::string_view parameter(std::string_view command_line, std::string_view key, std::string_view otherwise) noexcept {
  std::string_view value = otherwise;
  for (size_t at = 0; at < command_line.size();) {
    size_t end = command_line.find_first_of(" \n", at);
    if (end == std::string_view::npos) end = command_line.size();
    std::string_view word = command_line.substr(at, end - at);
    if (word.starts_with(key)) value = word.substr(key.size());
    at = end + 1;
  }
  return value;
}

std::string_view boot_command_line() noexcept {
  static char bytes[kCommandLineBytes];
  static ssize_t size = -1;
  if (size < 0) {
    UniqueFd file(open("/proc/cmdline", O_RDONLY | O_CLOEXEC));
    if (!file) return {};
    size = read(file.get(), bytes, sizeof bytes);
  }
  return size < 0 ? std::string_view() : std::string_view(bytes, static_cast<size_t>(size));
}

}  // namespace talos::stage0
