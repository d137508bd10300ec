// What getdents64(2) gives, well-formed and not.
#include "files/entries.h"

#include <dirent.h>

#include "test/tap.h"

namespace {

using namespace talos::files;
using namespace talos::test;

std::string record(const std::string& name, uint8_t type, size_t padding = 0) {
  std::string bytes(16, '\1');
  auto length = static_cast<uint16_t>(19 + name.size() + 1 + padding);
  bytes.append(reinterpret_cast<const char*>(&length), sizeof length);
  bytes += static_cast<char>(type);
  return bytes + name + std::string(1 + padding, '\0');
}

void parses_entries() {
  std::vector<Entry> entries;
  std::string block = record(".", DT_DIR) + record("..", DT_DIR) + record("a", DT_REG, 3) + record("\xff", DT_UNKNOWN);
  check(parse_entries(block, entries).ok());
  check_equal(entries.size(), 2u);
  check_equal(entries[0].name, "a");
  check(entries[1].name == "\xff" && entries[1].kind == FileKind::kUnknown, "bytes that are no UTF-8");
  auto bad = [](const std::string& malformed, const char* words) {
    std::vector<Entry> none;
    auto parsed = parse_entries(malformed, none);
    check(!parsed && parsed.error().errno_value == EBADMSG && parsed.error().detail.find(words) != std::string::npos, words);
  };
  bad(block.substr(0, block.size() - 1), "impossible length");
  bad(record("x", DT_REG) + "short", "cut off at offset 21");
  bad(record("", DT_REG), "impossible name");
  bad(record("a/b", DT_REG), "impossible name");
  std::string endless = record("name", DT_REG);
  endless[16] = endless[17] = 0;
  bad(endless, "impossible length of a record at offset 0");
  std::string unended = record("name", DT_REG);
  unended.back() = 'x';
  bad(unended, "without an end");
  survive_damage(block, [](std::string_view text) {
    std::vector<Entry> found;
    (void)parse_entries(text, found).ok();
  });
}

}  // namespace

int main() {
  parses_entries();
  return finish();
}
