#pragma once
// What happens when memory runs out: the process says so and ends, on purpose.
//
// Why not go on without the connection that asked: an allocation fails in the middle of something,
// and by then an exchange, its link and its session may disagree about whether a request was sent.
// A rid that is sent twice, or an answer that reaches the wrong one, costs a user more than a
// restart does: sessions live on the nodes, clients repeat what was not answered, and a fresh
// process can serve them all. What a client can make us keep is bounded before (conf::limits). With
// Linux's usual overcommitment no allocation fails at all; there the kernel ends the process.

namespace boshgate::proxy {

inline constexpr int exit_out_of_memory = 3;

// end_when_out_of_memory makes an allocation that fails, on any thread and from now on, write one
// line to standard error and end the process with exit_out_of_memory: without allocating, and
// without a core dump, which would hold passwords and be as large as the memory that ran out.
void end_when_out_of_memory() noexcept;

} // namespace boshgate::proxy
