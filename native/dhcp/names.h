// Names inside options: host and domain names, and the search list in the compressed form of DNS. Pure.
#pragma once

#include <string>
#include <vector>

#include "dhcp/options.h"

namespace talos::dhcp {

// Labels of letters, digits and inner hyphens (RFC 1123) joined by dots, at most 253 bytes; underscores are let pass, since they
// are in use. A dot or NULs at the end are taken away. Empty when the text is no such name.
std::string to_name(Bytes text);

// The value of option 119 (RFC 3397). EBADMSG when it is not what RFC 1035, section 4.1.4 describes; a pointer may only lead
// back, so that there are no loops. A name that is none by to_name() is left out.
Result<std::vector<std::string>> to_search_domains(const OptionValue& option);

}  // namespace talos::dhcp
