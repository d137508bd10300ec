// Statistics of the same groups again and again: their control files stay open, and a reading is one pread(2) a file.
//
// It costs one descriptor a file, and in the kernel a page a file from its first reading on. So there is a bound, and whoever has
// more groups than that reads the others with read_stats().
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "cgroup/stats.h"

namespace talos::cgroup {

class Sampler {
 public:
  Sampler(uint32_t sets, size_t max_descriptors);

  // Opens the files of a group and gives it a row: that of a group that was removed, or a new last one. A file that is not there
  // costs nothing and stays NaN. EMFILE: above the bound, or above what the process may open; the group then has no row.
  Result<size_t> add(int group_fd);

  // Closes the files of a row; it is NaN until it is given to another group. False: there is no such group.
  bool remove(size_t row);

  // Fills rows() * row_size() doubles. A group that is gone is NaN; its descriptors are kept until remove().
  Result<void> sample(double* values);

  [[nodiscard]] size_t rows() const { return is_used_.size(); }
  [[nodiscard]] size_t row_size() const { return row_size_; }
  [[nodiscard]] size_t descriptors() const { return descriptors_; }
  [[nodiscard]] size_t max_descriptors() const { return max_descriptors_; }

 private:
  std::vector<const StatSet*> sets_;
  size_t row_size_;
  size_t max_descriptors_;
  size_t descriptors_ = 0;
  // One entry a set and row; empty where there is no file.
  std::vector<UniqueFd> files_;
  std::vector<bool> is_used_;
  ControlReader reader_;
};

}  // namespace talos::cgroup
