#include "netlink/batch.h"

#include <utility>

namespace talos::netlink {

void Batch::append(Batch&& other) {
  if (is_empty()) {
    *this = std::move(other);
    other.clear();
    return;
  }
  numbers_.insert(numbers_.end(), other.numbers_.begin(), other.numbers_.end());
  text_ += other.text_;
  text_start_ = text_.size();
}

void Batch::clear() {
  numbers_.clear();
  text_.clear();
  text_start_ = 0;
}

}  // namespace talos::netlink
