// A test program of the cores: no framework, its output is TAP. Each check is one assertion, named by its place in the source.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <random>
#include <source_location>
#include <sstream>
#include <string>
#include <string_view>

namespace talos::test {

inline int checks_done = 0;
inline int checks_failed = 0;

inline void report(bool passed, std::string_view what, const std::source_location& where) {
  checks_done++;
  if (!passed) checks_failed++;
  std::printf("%sok %d - %s:%u %.*s\n", passed ? "" : "not ", checks_done, where.function_name(), where.line(),
              static_cast<int>(what.size()), what.data());
}

inline bool check(bool condition, std::string_view what = "",
                  const std::source_location& where = std::source_location::current()) {
  report(condition, what, where);
  return condition;
}

// Both sides are shown when they differ.
template <typename Left, typename Right>
bool check_equal(const Left& actual, const Right& expected, std::string_view what = "",
                 const std::source_location& where = std::source_location::current()) {
  bool passed = actual == expected;
  report(passed, what, where);
  if (!passed) {
    std::ostringstream text;
    text << "actual:   " << actual << "\nexpected: " << expected;
    std::istringstream lines(text.str());
    for (std::string line; std::getline(lines, line);) std::printf("# %s\n", line.c_str());
  }
  return passed;
}

// For the last line of main().
inline int finish() {
  std::printf("1..%d\n", checks_done);
  return checks_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

// Random damage to well-formed input, reproducible by its seed: parsers must survive it (under sanitizers: without reading
// beyond the end; the copy given to `parse` has exactly its own size on the heap).
template <typename Parse>
void survive_damage(std::string_view input, Parse parse, const std::source_location& where = std::source_location::current()) {
  constexpr int kRounds = 20'000;
  std::mt19937 random(20'240'131);
  for (int round = 0; round < kRounds; round++) {
    std::string damaged(input);
    for (unsigned edits = 1 + random() % 4; edits > 0 && !damaged.empty(); edits--) {
      size_t position = random() % damaged.size();
      switch (random() % 4) {
        case 0:
          damaged[position] = static_cast<char>(random());
          break;
        case 1:
          damaged.resize(position);
          break;
        case 2:
          damaged.erase(position, 1 + random() % 8);
          break;
        default:
          damaged.insert(position, damaged.substr(random() % damaged.size(), random() % 16));
          break;
      }
    }
    auto* copy = static_cast<char*>(std::malloc(damaged.size()));
    damaged.copy(copy, damaged.size());
    parse(std::string_view(copy, damaged.size()));
    std::free(copy);
  }
  report(true, "survives random damage", where);
}

}  // namespace talos::test
