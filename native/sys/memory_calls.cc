#include "sys/memory_calls.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace talos::sys {

namespace {
// Newer than the headers of some hosts.
constexpr unsigned kNoExecSeal = 0x0008;  // MFD_NOEXEC_SEAL, Linux 6.3
}  // namespace

size_t page_bytes() {
  static const size_t bytes = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

Result<UniqueFd> create_memory(const std::string& name, size_t bytes) {
  int fd = ::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | kNoExecSeal);
  if (fd < 0 && errno == EINVAL) fd = ::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return last_error("memfd_create", name);
  UniqueFd memory(fd);
  if (::ftruncate(fd, static_cast<off_t>(bytes)) != 0) return last_error("ftruncate", name);
  return memory;
}

Result<void> seal_memory(int fd) {
  if (::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0) return last_error("fcntl");
  return {};
}

Result<void> require_shrink_seal(int fd) {
  int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0) return last_error("fcntl");
  if ((seals & F_SEAL_SHRINK) == 0) return Error{EINVAL, "fcntl", {}, {}, "the memory is not sealed against shrinking"};
  return {};
}

Result<UniqueFd> reopen_read_only(int fd) {
  std::string path = "/proc/self/fd/" + std::to_string(fd);
  int copy = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (copy < 0) return last_error("open", std::move(path));
  return UniqueFd(copy);
}

Result<size_t> file_bytes(int fd) {
  struct stat status;
  if (::fstat(fd, &status) != 0) return last_error("fstat");
  return static_cast<size_t>(status.st_size);
}

Result<RingMapping> RingMapping::map(int fd, size_t header_bytes, size_t data_bytes, Access access) {
  const int protection = access == Access::kReadWrite ? PROT_READ | PROT_WRITE : PROT_READ;
  // The whole range is taken first, so that nothing else can come to lie in between.
  void* range = ::mmap(nullptr, header_bytes + 2 * data_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (range == MAP_FAILED) return last_error("mmap");
  RingMapping mapping(static_cast<std::byte*>(range), header_bytes, data_bytes);
  if (::mmap(mapping.header(), header_bytes + data_bytes, protection, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
    return last_error("mmap");
  }
  if (::mmap(mapping.data() + data_bytes, data_bytes, protection, MAP_SHARED | MAP_FIXED, fd, static_cast<off_t>(header_bytes)) ==
      MAP_FAILED) {
    return last_error("mmap");
  }
  return mapping;
}

RingMapping::RingMapping(RingMapping&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), header_bytes_(other.header_bytes_), data_bytes_(other.data_bytes_) {}

RingMapping::~RingMapping() {
  if (base_ != nullptr) ::munmap(base_, total());
}

}  // namespace talos::sys
