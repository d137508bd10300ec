// Requests as JavaScript describes them: plain objects, checked by lib/native; what is undefined is absent.
#pragma once

#include <napi.h>

#include "netlink/interface_address.h"
#include "netlink/link.h"
#include "netlink/neighbour.h"
#include "netlink/route.h"
#include "netlink/rule.h"

namespace talos::bind {

netlink::LinkChange to_link_change(const Napi::Object& object);
netlink::NewLink to_new_link(const Napi::Object& object);
netlink::InterfaceAddressSpec to_address_spec(const Napi::Object& object);
netlink::RouteSpec to_route_spec(const Napi::Object& object);
netlink::RuleSpec to_rule_spec(const Napi::Object& object);
netlink::NeighbourSpec to_neighbour_spec(const Napi::Object& object);

}  // namespace talos::bind
