// One request, one acknowledgement: what changes the network configuration. Each call has a socket of its own and no state, and
// sleeps for the kernel's rtnl lock. The error's path is the object as it was named, its detail the kernel's explanation.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "netlink/batch.h"
#include "netlink/interface_address.h"
#include "netlink/link.h"
#include "netlink/neighbour.h"
#include "netlink/route.h"
#include "netlink/rule.h"

namespace talos::netlink {

enum class Change : uint8_t {
  kAdd = 0,      // EEXIST if it is there
  kReplace = 1,  // whether it is there or not
  kRemove = 2,   // ENOENT, ESRCH or EADDRNOTAVAIL if it is not there
};

// Gives the index of the new link.
Result<int> add_link(const NewLink& link);
Result<void> change_link(uint32_t index, const LinkChange& change);
Result<void> remove_link(uint32_t index);
// By index, or by name if that is 0. Appends one record; ENODEV if there is none.
Result<void> find_link(uint32_t index, const std::string& name, Batch& batch);

Result<void> change_address(Change change, const InterfaceAddressSpec& spec);
Result<void> change_route(Change change, const RouteSpec& spec);
// There is no replacing of rules: they are told apart by everything in them.
Result<void> change_rule(Change change, const RuleSpec& spec);
Result<void> change_neighbour(Change change, const NeighbourSpec& spec);

}  // namespace talos::netlink
