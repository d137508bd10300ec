#include "bind/netlink_specs.h"

#include "bind/strings.h"

namespace talos::bind {

namespace {

class Fields {
 public:
  explicit Fields(Napi::Object object) : object_(object) {}

  template <typename Number>
  [[nodiscard]] std::optional<Number> number(const char* name) const {
    Napi::Value value = object_.Get(name);
    return value.IsNumber() ? std::optional(static_cast<Number>(value.As<Napi::Number>().Int64Value())) : std::nullopt;
  }
  [[nodiscard]] std::optional<bool> flag(const char* name) const {
    Napi::Value value = object_.Get(name);
    return value.IsBoolean() ? std::optional(value.As<Napi::Boolean>().Value()) : std::nullopt;
  }
  [[nodiscard]] std::optional<std::string> optional_text(const char* name) const {
    Napi::Value value = object_.Get(name);
    return value.IsString() ? std::optional(to_string(value)) : std::nullopt;
  }
  [[nodiscard]] std::string text(const char* name) const { return optional_text(name).value_or(""); }
  [[nodiscard]] Napi::Value get(const char* name) const { return object_.Get(name); }

 private:
  Napi::Object object_;
};

}  // namespace

netlink::LinkChange to_link_change(const Napi::Object& object) {
  Fields fields(object);
  netlink::LinkChange change;
  change.is_up = fields.flag("isUp");
  change.mtu = fields.number<uint32_t>("mtu");
  change.transmit_queue_length = fields.number<uint32_t>("transmitQueueLength");
  change.master = fields.number<uint32_t>("master");
  change.name = fields.text("name");
  change.mac = fields.text("mac");
  change.alias = fields.optional_text("alias");
  return change;
}

netlink::NewLink to_new_link(const Napi::Object& object) {
  Fields fields(object);
  netlink::NewLink link;
  link.kind = fields.text("kind");
  link.settings = to_link_change(object);
  link.parent = fields.number<uint32_t>("parent");
  link.vlan_id = fields.number<uint16_t>("vlanId");
  link.vlan_protocol = fields.number<uint16_t>("vlanProtocol");
  link.bond_mode = fields.number<uint8_t>("bondMode");
  link.bond_miimon_ms = fields.number<uint32_t>("miimonMs");
  link.vlan_filtering = fields.flag("vlanFiltering");
  link.spanning_tree = fields.flag("spanningTree");
  if (Napi::Value peer = fields.get("peer"); peer.IsObject()) link.peer = to_link_change(peer.As<Napi::Object>());
  return link;
}

netlink::InterfaceAddressSpec to_address_spec(const Napi::Object& object) {
  Fields fields(object);
  netlink::InterfaceAddressSpec spec;
  spec.index = fields.number<uint32_t>("index").value_or(0);
  spec.address = fields.text("address");
  spec.peer = fields.text("peer");
  spec.broadcast = fields.text("broadcast");
  spec.label = fields.text("label");
  spec.scope = fields.number<uint8_t>("scope");
  spec.flags = fields.number<uint32_t>("flags").value_or(0);
  spec.protocol = fields.number<uint8_t>("protocol");
  spec.valid_lifetime_sec = fields.number<uint32_t>("validLifetimeSec");
  spec.preferred_lifetime_sec = fields.number<uint32_t>("preferredLifetimeSec");
  return spec;
}

netlink::RouteSpec to_route_spec(const Napi::Object& object) {
  Fields fields(object);
  netlink::RouteSpec spec;
  spec.destination = fields.text("destination");
  spec.is_ipv6 = fields.flag("isIpv6").value_or(false);
  spec.source = fields.text("source");
  spec.gateway = fields.text("gateway");
  spec.preferred_source = fields.text("preferredSource");
  spec.index = fields.number<uint32_t>("index");
  spec.table = fields.number<uint32_t>("table").value_or(spec.table);
  spec.protocol = fields.number<uint8_t>("protocol");
  spec.scope = fields.number<uint8_t>("scope");
  spec.type = fields.number<uint8_t>("type");
  spec.priority = fields.number<uint32_t>("priority");
  spec.mtu = fields.number<uint32_t>("mtu");
  spec.tos = fields.number<uint8_t>("tos").value_or(0);
  spec.is_on_link = fields.flag("isOnLink").value_or(false);
  Napi::Value hops = fields.get("nextHops");
  if (!hops.IsArray()) return spec;
  for (const Napi::Value& element : to_elements(hops)) {
    if (!element.IsObject()) continue;
    Fields hop(element.As<Napi::Object>());
    spec.next_hops.push_back(
        {hop.text("gateway"), hop.number<uint32_t>("index").value_or(0), hop.number<uint32_t>("weight").value_or(1)});
  }
  return spec;
}

netlink::RuleSpec to_rule_spec(const Napi::Object& object) {
  Fields fields(object);
  netlink::RuleSpec spec;
  spec.is_ipv6 = fields.flag("isIpv6").value_or(false);
  spec.from = fields.text("from");
  spec.to = fields.text("to");
  spec.input_interface = fields.text("inputInterface");
  spec.output_interface = fields.text("outputInterface");
  spec.action = fields.number<uint8_t>("action");
  spec.protocol = fields.number<uint8_t>("protocol");
  spec.priority = fields.number<uint32_t>("priority");
  spec.table = fields.number<uint32_t>("table");
  spec.fwmark = fields.number<uint32_t>("fwmark");
  spec.fwmask = fields.number<uint32_t>("fwmask");
  spec.goto_priority = fields.number<uint32_t>("goto");
  spec.suppress_prefix_length = fields.number<uint32_t>("suppressPrefixLength");
  spec.tos = fields.number<uint8_t>("tos").value_or(0);
  spec.is_inverted = fields.flag("isInverted").value_or(false);
  return spec;
}

netlink::NeighbourSpec to_neighbour_spec(const Napi::Object& object) {
  Fields fields(object);
  netlink::NeighbourSpec spec;
  spec.index = fields.number<uint32_t>("index").value_or(0);
  spec.address = fields.text("address");
  spec.mac = fields.text("mac");
  spec.state = fields.number<uint16_t>("state").value_or(0);
  spec.flags = fields.number<uint8_t>("flags").value_or(0);
  return spec;
}

}  // namespace talos::bind
