#include "cgroup/sampler.h"

#include <algorithm>
#include <utility>

#include "sys/cgroup_calls.h"

namespace talos::cgroup {

Sampler::Sampler(uint32_t sets, size_t max_descriptors) : row_size_(cgroup::row_size(sets)), max_descriptors_(max_descriptors) {
  for (size_t bit = 0; bit < kSetCount; bit++) {
    if ((sets >> bit & 1) != 0) sets_.push_back(&kStatSets[bit]);
  }
}

Result<size_t> Sampler::add(int group_fd) {
  std::vector<UniqueFd> opened;
  opened.reserve(sets_.size());
  size_t count = 0;
  for (const StatSet* set : sets_) {
    auto file = sys::open_control(group_fd, set->file, sys::ControlAccess::kRead);
    if (!file && !is_absence(file.error())) return file.error();
    if (file && descriptors_ + ++count > max_descriptors_) {
      return Error{EMFILE, "open", set->file, {}, "the sampler may keep no more descriptors"};
    }
    opened.push_back(file ? std::move(file).value() : UniqueFd());
  }
  size_t row = static_cast<size_t>(std::find(is_used_.begin(), is_used_.end(), false) - is_used_.begin());
  if (row == is_used_.size()) {
    is_used_.push_back(false);
    files_.resize(files_.size() + sets_.size());
  }
  is_used_[row] = true;
  std::move(opened.begin(), opened.end(), files_.begin() + static_cast<ptrdiff_t>(row * sets_.size()));
  descriptors_ += count;
  return row;
}

bool Sampler::remove(size_t row) {
  if (row >= is_used_.size() || !is_used_[row]) return false;
  is_used_[row] = false;
  for (size_t index = 0; index < sets_.size(); index++) {
    UniqueFd& file = files_[row * sets_.size() + index];
    if (file) descriptors_--;
    file.reset();
  }
  return true;
}

Result<void> Sampler::sample(double* values) {
  const UniqueFd* file = files_.data();
  for (size_t row = 0; row < is_used_.size(); row++) {
    for (const StatSet* set : sets_) {
      if (!*file) {
        fill_absent(*set, values);
      } else if (auto read = read_set(reader_, file->get(), *set, values); !read) {
        return read;
      }
      file++;
      values += set->values;
    }
  }
  return {};
}

}  // namespace talos::cgroup
