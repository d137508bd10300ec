// One instruction of classic BPF, as struct sock_filter of linux/filter.h lays it out.
#pragma once

#include <cstdint>

namespace talos {

struct BpfInstruction {
  uint16_t code;
  uint8_t jump_true;
  uint8_t jump_false;
  uint32_t value;
};

static_assert(sizeof(BpfInstruction) == 8);

}  // namespace talos
