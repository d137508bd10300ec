#include "netlink/batch.h"

namespace talos::netlink {

void Batch::append(const Batch& other) {
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
