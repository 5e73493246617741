// The answers that a session keeps for copies of its last requests (XEP-0124 14.3).

#include "proxy/session.hpp"

#include "conf/config.hpp"

#include <algorithm>

namespace boshgate::proxy {

// keep puts an answer by for copies of its request. Places are reused, so that a session in its
// stride allocates nothing.
bool session_table::keep(session& of, std::uint64_t rid, std::string_view body) {
    const std::size_t places = of.window.requests() + read(bounds_.replay_answers);
    const std::uint32_t most = read(bounds_.replay_bytes);
    if (body.size() > most ||
        kept_bytes_.load(std::memory_order_relaxed) + body.size() > read(bounds_.replay_total)) {
        return false;
    }
    kept_answer* place = nullptr;
    for (kept_answer& one : of.kept) {
        if (one.rid == rid || one.rid == 0) {
            place = &one;
            break;
        }
        if (place == nullptr || one.rid < place->rid) {
            place = &one;
        }
    }
    if (of.kept.size() < places && (place == nullptr || (place->rid != rid && place->rid != 0))) {
        place = &of.kept.emplace_back();
    }
    if (place->rid != rid && place->rid != 0) {
        of.window.on_dropped(place->rid);
    }
    const std::size_t before = place->body.capacity();
    if (before > 4096 && before / 4 > body.size()) {
        std::string().swap(place->body); // one large answer must not stay large for good
    }
    place->body.assign(body);
    place->rid = rid;
    const std::size_t now = place->body.capacity();
    if (now != before) {
        of.kept_bytes += static_cast<std::uint32_t>(now - before);
        kept_bytes_.fetch_add(now - before, std::memory_order_relaxed);
    }
    // The oldest go first; the newest always fits.
    while (of.kept_bytes > most) {
        const auto oldest = std::min_element(of.kept.begin(), of.kept.end(),
                                             [](const kept_answer& a, const kept_answer& b) {
                                                 return (a.rid == 0 ? ~std::uint64_t{0} : a.rid) <
                                                        (b.rid == 0 ? ~std::uint64_t{0} : b.rid);
                                             });
        if (oldest->rid == 0 || oldest->rid == rid) {
            break;
        }
        forget_kept(of, *oldest);
    }
    return true;
}

void session_table::forget_kept(session& of, kept_answer& one) {
    if (one.rid != 0) {
        of.window.on_dropped(one.rid);
    }
    const std::size_t capacity = one.body.capacity();
    one.rid = 0;
    std::string().swap(one.body); // an assignment would keep the memory
    const std::size_t left = one.body.capacity();
    of.kept_bytes -= static_cast<std::uint32_t>(capacity - left);
    kept_bytes_.fetch_sub(capacity - left, std::memory_order_relaxed);
}

} // namespace boshgate::proxy
