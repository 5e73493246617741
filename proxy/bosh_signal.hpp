#pragma once
// From the reason why an exchange ended to the signal that its client gets:
// discovery/failure_signal has the table, this is the way into it.

#include "discovery/failure_signal.hpp"
#include "routing/reason.hpp"

namespace boshgate::proxy {

struct exchange;

// signal_of returns what the client of a request with a <body/> is told when it ends for this
// reason. `reused`: its connection has carried an exchange before.
[[nodiscard]] discovery::failure_signal signal_of(const exchange& x, routing::reason why,
                                                  bool reused) noexcept;

} // namespace boshgate::proxy
