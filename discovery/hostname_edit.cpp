#include "discovery/hostname_edit.hpp"

#include <algorithm>
#include <span>

namespace boshgate::discovery {
namespace {

using routing::edit_error;
using routing::hostname_text;
using routing::node_index;

// What can stand in a URL as it is, and in a name too.
bool is_visible_ascii(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// Whether CAXL sees the element, and its text is all there is in it.
bool can_carry(const hostname_text& one) noexcept {
    return one.plain && !one.prefixed && !one.for_mechanism;
}

} // namespace

name_reading name_reading_of(const routing::body_tag& session_request) noexcept {
    return session_request.has(routing::body_attribute::secure) ? name_reading::caxl_8_6
                                                                : name_reading::caxl_2014;
}

hostname_outcome hostname_edit::remove(const routing::body_tag& tag,
                                       const routing::body_limits& limits,
                                       routing::body_edits& edits) {
    const auto nothing = find(tag, limits);
    return nothing ? *nothing : remove_all(edits);
}

hostname_outcome hostname_edit::rewrite(const routing::body_tag& tag,
                                        const routing::body_limits& limits,
                                        const hostname_reader& reader, const health_view& health,
                                        routing::body_edits& edits) {
    if (const auto nothing = find(tag, limits))
        return *nothing;
    if (!reader.same_origin || !make_texts(reader, health))
        return remove_all(edits);
    return put_texts(tag, edits);
}

// An outcome: there is nothing to do, or nothing that can be done.
std::optional<hostname_outcome> hostname_edit::find(const routing::body_tag& tag,
                                                    const routing::body_limits& limits) {
    const routing::hostnames_found found = routing::find_hostname_elements(tag, limits, found_);
    if (found.why != routing::body_error::none || found.count > found_.size())
        return hostname_outcome::refused;
    count_ = found.count;
    return count_ == 0 ? std::optional(hostname_outcome::untouched) : std::nullopt;
}

hostname_outcome hostname_edit::remove_all(routing::body_edits& edits) const {
    for (const hostname_text& one : std::span(found_).first(count_))
        if (edits.remove_element(one.element) != edit_error::none)
            return hostname_outcome::refused;
    return hostname_outcome::removed;
}

// The two texts that the client gets; false: it gets none.
bool hostname_edit::make_texts(const hostname_reader& reader, const health_view& health) {
    std::array<hostname_text, hostnames_max> plain;
    const auto end = std::copy_if(found_.begin(), found_.begin() + count_, plain.begin(),
                                  [](const hostname_text& one) { return one.plain; });
    const named_homes homes = homes_named(
        std::span(plain).first(static_cast<std::size_t>(end - plain.begin())), names_, reader.node);
    std::array<node_index, 2> living{};
    std::size_t count = 0;
    for (const node_index node : std::span(homes.nodes).first(homes.count))
        if (node == reader.node || !health.is_dead(node))
            living[count++] = node;
    if (count == 0)
        return false;
    texts_[0] = path_to(living[0], reader);
    texts_[1] = count == 2 ? path_to(living[1], reader) : other_path_to(living[0], texts_[0]);
    if (reader.reading == name_reading::caxl_8_6)
        for (std::string& text : texts_)
            text.erase(0, 1);
    return true;
}

// The public path of a node; for the one that answered, the path that led there.
std::string hostname_edit::path_to(node_index node, const hostname_reader& reader) const {
    const std::string_view path = reader.target.substr(0, reader.target.find('?'));
    if (node == reader.node && reader.target.size() <= routing::route_table::path_bytes_max &&
        is_visible_ascii(reader.target) && routes_.find(path) == node)
        return std::string(reader.target);
    return public_path(node);
}

// Another path to the same node: the routes take one slash at the end.
std::string hostname_edit::other_path_to(node_index node, std::string_view path) const {
    std::string other = public_path(node);
    if (other == path)
        other += '/';
    return other;
}

std::string hostname_edit::public_path(node_index node) const {
    return config_.prefix + "/" + config_.nodes[node].name;
}

hostname_outcome hostname_edit::put_texts(const routing::body_tag& tag,
                                          routing::body_edits& edits) const {
    const auto all = std::span(found_).first(count_);
    const auto carriers = std::count_if(all.begin(), all.end(), can_carry);
    if (carriers == 0)
        return remove_all(edits);
    std::size_t put = 0;
    bool changed = false;
    for (const hostname_text& one : all) {
        edit_error why = edit_error::none;
        if (put == texts_.size() || !can_carry(one)) {
            why = edits.remove_element(one.element);
            changed = true;
        } else {
            const std::string_view text = texts_[put++];
            const std::string_view before =
                tag.document().substr(one.range.begin, one.range.end - one.range.begin);
            if (one.coded || before != text) {
                why = edits.replace_text(one.range, text);
                changed = true;
            }
            if (why == edit_error::none && carriers == 1) {
                why = edits.repeat_element(one.element, one.range, texts_[put++]);
                changed = true;
            }
        }
        if (why != edit_error::none)
            return hostname_outcome::refused;
    }
    return changed ? hostname_outcome::rewritten : hostname_outcome::untouched;
}

} // namespace boshgate::discovery
