// Names of rtnetlink's messages and of the attributes that we send, for errors.
#include <array>
#include <string_view>

#include "netlink/acknowledgement.h"
#include "sys/netlink_calls.h"

namespace talos::netlink {
namespace {

struct Name {
  uint32_t number;
  const char* text;
};

constexpr std::array kMessages = {
    Name{RTM_NEWLINK, "RTM_NEWLINK"},   Name{RTM_DELLINK, "RTM_DELLINK"},   Name{RTM_GETLINK, "RTM_GETLINK"},
    Name{RTM_NEWADDR, "RTM_NEWADDR"},   Name{RTM_DELADDR, "RTM_DELADDR"},   Name{RTM_GETADDR, "RTM_GETADDR"},
    Name{RTM_NEWROUTE, "RTM_NEWROUTE"}, Name{RTM_DELROUTE, "RTM_DELROUTE"}, Name{RTM_GETROUTE, "RTM_GETROUTE"},
    Name{RTM_NEWNEIGH, "RTM_NEWNEIGH"}, Name{RTM_DELNEIGH, "RTM_DELNEIGH"}, Name{RTM_GETNEIGH, "RTM_GETNEIGH"},
    Name{RTM_NEWRULE, "RTM_NEWRULE"},   Name{RTM_DELRULE, "RTM_DELRULE"},   Name{RTM_GETRULE, "RTM_GETRULE"},
};

constexpr std::array kLink = {
    Name{IFLA_ADDRESS, "IFLA_ADDRESS"},   Name{IFLA_IFNAME, "IFLA_IFNAME"},   Name{IFLA_MTU, "IFLA_MTU"},
    Name{IFLA_LINK, "IFLA_LINK"},         Name{IFLA_MASTER, "IFLA_MASTER"},   Name{IFLA_TXQLEN, "IFLA_TXQLEN"},
    Name{IFLA_LINKINFO, "IFLA_LINKINFO"}, Name{IFLA_IFALIAS, "IFLA_IFALIAS"}, Name{IFLA_EXT_MASK, "IFLA_EXT_MASK"},
};

constexpr std::array kAddress = {
    Name{IFA_ADDRESS, "IFA_ADDRESS"},     Name{IFA_LOCAL, "IFA_LOCAL"},         Name{IFA_LABEL, "IFA_LABEL"},
    Name{IFA_BROADCAST, "IFA_BROADCAST"}, Name{IFA_CACHEINFO, "IFA_CACHEINFO"}, Name{IFA_FLAGS, "IFA_FLAGS"},
    Name{IFA_PROTO, "IFA_PROTO"},
};

constexpr std::array kRoute = {
    Name{RTA_DST, "RTA_DST"},           Name{RTA_SRC, "RTA_SRC"},
    Name{RTA_OIF, "RTA_OIF"},           Name{RTA_GATEWAY, "RTA_GATEWAY"},
    Name{RTA_PRIORITY, "RTA_PRIORITY"}, Name{RTA_PREFSRC, "RTA_PREFSRC"},
    Name{RTA_METRICS, "RTA_METRICS"},   Name{RTA_MULTIPATH, "RTA_MULTIPATH"},
    Name{RTA_TABLE, "RTA_TABLE"},       Name{RTA_VIA, "RTA_VIA"},
};

constexpr std::array kRule = {
    Name{FRA_DST, "FRA_DST"},
    Name{FRA_SRC, "FRA_SRC"},
    Name{FRA_IIFNAME, "FRA_IIFNAME"},
    Name{FRA_GOTO, "FRA_GOTO"},
    Name{FRA_PRIORITY, "FRA_PRIORITY"},
    Name{FRA_FWMARK, "FRA_FWMARK"},
    Name{FRA_TABLE, "FRA_TABLE"},
    Name{FRA_FWMASK, "FRA_FWMASK"},
    Name{FRA_OIFNAME, "FRA_OIFNAME"},
    Name{FRA_PROTOCOL, "FRA_PROTOCOL"},
    Name{FRA_SUPPRESS_PREFIXLEN, "FRA_SUPPRESS_PREFIXLEN"},
};

constexpr std::array kNeighbour = {
    Name{NDA_DST, "NDA_DST"},
    Name{NDA_LLADDR, "NDA_LLADDR"},
    Name{NDA_IFINDEX, "NDA_IFINDEX"},
    Name{NDA_PROTOCOL, "NDA_PROTOCOL"},
};

template <size_t Size>
const char* find(const std::array<Name, Size>& names, uint32_t number) {
  for (const Name& name : names) {
    if (name.number == number) return name.text;
  }
  return nullptr;
}

const char* find_attribute(std::string_view message, uint32_t type) {
  // Without RTM_NEW, RTM_DEL or RTM_GET.
  std::string_view object = message.size() > 7 ? message.substr(7) : "";
  if (object == "LINK") return find(kLink, type);
  if (object == "ADDR") return find(kAddress, type);
  if (object == "ROUTE") return find(kRoute, type);
  if (object == "RULE") return find(kRule, type);
  return object == "NEIGH" ? find(kNeighbour, type) : nullptr;
}

}  // namespace

const char* message_name(uint16_t type) {
  const char* name = find(kMessages, type);
  return name != nullptr ? name : "netlink";
}

std::string attribute_name(uint16_t message_type, uint32_t attribute_type) {
  const char* name = find_attribute(message_name(message_type), attribute_type);
  return name != nullptr ? name : "attribute " + std::to_string(attribute_type);
}

}  // namespace talos::netlink
