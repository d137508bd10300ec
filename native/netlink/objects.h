// From any rtnetlink message to a record of a batch. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "netlink/batch.h"
#include "netlink/message.h"

namespace talos::netlink {

// As lib/native/netlink/records.ts numbers them.
enum class Kind : uint8_t { kLink = 1, kAddress = 2, kRoute = 3, kRule = 4, kNeighbour = 5 };

inline constexpr Kind kAllKinds[] = {Kind::kLink, Kind::kAddress, Kind::kRoute, Kind::kRule, Kind::kNeighbour};

// A set of kinds.
class Kinds {
 public:
  constexpr Kinds() = default;
  constexpr explicit Kinds(uint8_t bits) : bits_(bits) {}
  [[nodiscard]] constexpr bool has(Kind kind) const { return (bits_ & bit(kind)) != 0; }
  constexpr void add(Kind kind) { bits_ |= bit(kind); }
  [[nodiscard]] constexpr bool is_empty() const { return bits_ == 0; }
  [[nodiscard]] constexpr uint8_t bits() const { return bits_; }
  constexpr bool operator==(const Kinds&) const = default;

 private:
  static constexpr uint8_t bit(Kind kind) { return static_cast<uint8_t>(1u << static_cast<unsigned>(kind)); }
  uint8_t bits_ = 0;
};

// What a record begins with: one number, kind | what << 3.
enum class What : uint8_t {
  kListed = 0,    // part of a dump
  kNew = 1,       // added, or changed
  kRemoved = 2,   // gone; the record is what it was
  kReplaced = 3,  // a route that took the place of another to the same destination
  kResync = 4,    // no object: what follows, up to kListEnd, is all there is of some kinds. Numbers: kinds, cause, epoch
  kListEnd = 5,
};

double record_head(Kind kind, What what);

// The kind of object that a message of that type is about; nothing for other types.
std::optional<Kind> kind_of(uint16_t message_type);
// Whether it says that the object is gone.
bool is_removal(uint16_t message_type);

// Appends the head and the record. False, with nothing appended, for what shares the message types but is no object of ours: what
// a bridge tells of its ports and addresses, events of wireless devices, cached and multicast routes, another family than
// `family` (AF_UNSPEC: IPv4 and IPv6 both; links have none). EBADMSG for malformed ones.
Result<bool> write_object(Batch& batch, const MessageView& message, What what, uint8_t family);

// Whether the kernel may have removed IPv4 routes without a word on account of what the message says: a link that went down or
// away, an address that went, a next hop object that changed.
bool may_remove_routes(const MessageView& message);

}  // namespace talos::netlink
