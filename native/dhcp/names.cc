#include "dhcp/names.h"

#include <algorithm>

#include "dhcp/wire.h"

namespace talos::dhcp {
namespace {

constexpr size_t kMaxNameBytes = 253;
constexpr size_t kMaxLabelBytes = 63;
// More are of no use to any resolver.
constexpr size_t kMaxSearchDomains = 32;
constexpr uint8_t kPointer = 0xc0;

bool is_label(const std::string& label) {
  auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !label.empty() && label.size() <= kMaxLabelBytes && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), is_allowed);
}

}  // namespace

std::string to_name(Bytes text) {
  std::string name(text.begin(), text.end());
  while (!name.empty() && name.back() == '\0') name.pop_back();
  if (!name.empty() && name.back() == '.') name.pop_back();
  if (name.size() > kMaxNameBytes) return {};
  for (size_t start = 0; start <= name.size();) {
    const size_t end = std::min(name.find('.', start), name.size());
    if (!is_label(name.substr(start, end - start))) return {};
    start = end + 1;
  }
  return name;
}

Result<std::vector<std::string>> to_search_domains(const OptionValue& option) {
  const Bytes bytes = option.bytes;
  auto problem = [&](const char* what, size_t position) {
    return wire::malformed(std::string("search domains: ") + what + " at byte " + std::to_string(position) + " of the option",
                           option.offset);
  };
  std::vector<std::string> domains;
  for (size_t next = 0; next < bytes.size();) {
    std::string name;
    size_t position = next;
    // Everything that is read lies before this, but for the name itself; each pointer lowers it.
    size_t bound = next;
    bool has_jumped = false;
    for (;;) {
      if (position >= bytes.size()) return problem("a name without an end", next);
      const uint8_t length = bytes[position];
      if ((length & kPointer) == kPointer) {
        if (position + 1 >= bytes.size()) return problem("half a pointer", position);
        const size_t target = wire::read_u16(bytes, position) & 0x3fff;
        if (target >= bound) return problem("a pointer that does not lead back", position);
        if (!has_jumped) next = position + 2;
        has_jumped = true;
        bound = position = target;
        continue;
      }
      if (length > kMaxLabelBytes) return problem("a label of an unknown kind", position);
      if (length >= bytes.size() - position) return problem("a label without an end", position);
      if (length == 0) {
        if (!has_jumped) next = position + 1;
        break;
      }
      Bytes label = bytes.subspan(position + 1, length);
      // A dot inside a label would become two labels.
      name.append(label.begin(), label.end()).append(std::find(label.begin(), label.end(), '.') == label.end() ? "." : "..");
      if (name.size() > kMaxNameBytes + 2) return problem("a name that is too long", next);
      position += 1 + length;
    }
    std::string domain = to_name(Bytes(reinterpret_cast<const uint8_t*>(name.data()), name.size()));
    if (!domain.empty() && domains.size() < kMaxSearchDomains) domains.push_back(std::move(domain));
  }
  return domains;
}

}  // namespace talos::dhcp
