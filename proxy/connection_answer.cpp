// How answers go down: the node's own, whole or streamed; ours; and files.

#include "proxy/connection.hpp"

#include "proxy/core.hpp"
#include "proxy/listener.hpp"
#include "proxy/log.hpp"
#include "proxy/node_request.hpp"
#include "proxy/status_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace boshgate::proxy {

using routing::field_id;
using routing::framing;
using routing::method;
using routing::reason;

namespace {

constexpr int file_pieces_at_once = 16; // then other sockets get their turn

template <typename Number>
void append_number(std::string& out, Number number, int base = 10) {
    std::array<char, 24> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number, base);
    out.append(text.data(), end.ptr);
}

} // namespace

bool connection::keeps_alive(const exchange& x) const noexcept {
    return x.keep_alive && !closing_ && !core_.draining;
}

void connection::begin_out(int status) {
    std::string& out = core_.out;
    if (status == 200) { // nearly always
        out.assign("HTTP/1.1 200 OK\r\n");
        return;
    }
    out.assign("HTTP/1.1 ");
    append_number(out, status);
    out.push_back(' ');
    out.append(status_text(status));
    out.append("\r\n");
}

void connection::append_date() {
    core_.out.append(core_.date_line());
}

void connection::append_length(std::uint64_t length) {
    static constexpr std::string_view name = "Content-Length: ";
    std::array<char, name.size() + 20 + 2> line; // a length has at most 20 digits
    char* end = std::copy(name.begin(), name.end(), line.begin());
    end = std::to_chars(end, line.data() + line.size(), length).ptr;
    *end++ = '\r';
    *end++ = '\n';
    core_.out.append(line.data(), end);
}

void connection::append_connection_fields(const exchange& x) {
    if (!keeps_alive(x)) {
        closing_ = true;
        core_.out.append("Connection: close\r\n");
    } else if (x.minor_version == 0) {
        core_.out.append("Connection: keep-alive\r\n");
    }
}

void connection::append_cors(const exchange& x, std::span<const std::string_view> vary) {
    if (x.cors_done) {
        return;
    }
    const std::string_view block = x.settings->cors.answer_fields(x.cors, x.origin, core_.scratch);
    if (vary.empty()) {
        core_.out.append(block);
    } else {
        core_.out.append(routing::merge_vary(vary, block));
    }
}

// append_node_head begins an answer with the status and those of the node's fields that are listed.
// What the node says about framing, connections and CORS is the link's business and ends there.
void connection::append_node_head(const exchange& x, const routing::answer_head& head) {
    begin_out(head.status);
    std::array<std::string_view, 8> vary;
    std::size_t varies = 0;
    bool dated = false;
    for (const routing::field& one : head.fields()) {
        if (one.id == field_id::vary) {
            if (varies < vary.size()) {
                vary[varies++] = one.value;
            }
            continue;
        }
        if (!x.settings->answer_fields.contains(one.name) ||
            (head.connection_lists_fields && routing::named_by_connection(head, one.name))) {
            continue;
        }
        dated = dated || one.id == field_id::date;
        append_field(core_.out, one);
    }
    if (!dated) {
        append_date();
    }
    append_cors(x, {vary.data(), varies});
}

void connection::on_answer(exchange& x, const routing::answer_head& head, std::string_view body) {
    if (head.status >= 300 && head.status < 400 && head.status != 304) {
        const std::string& node = x.settings->nodes[x.node].name;
        log_limited(log_topic::node_answer, node,
                    "node " + node + ": node_redirect (status " + std::to_string(head.status) +
                        "), request sent");
        refuse(x, reason::node_redirect); // its Location would take the client around the proxy
        return;
    }
    append_node_head(x, head);
    if (head.status != 204 && head.status != 304) {
        append_length(body.size());
    }
    append_connection_fields(x);
    core_.out.append("\r\n");
    if (x.verb != method::head) {
        core_.out.append(body);
        x.answer_bytes = body.size();
    }
    const bool forgotten = x.doubt && x.doubt->forgotten;
    hand_over(x, head.status,
              forgotten    ? reason::node_forgot
              : x.replayed ? reason::replayed
                           : reason::answered);
}

// hand_over sends core::out, which is the whole answer.
void connection::hand_over(exchange& x, int status, reason why) {
    const bool sent = transport_.write(*core_.buffers, core_.out);
    if (core_.out.capacity() > out_kept) {
        std::string().swap(core_.out);
    }
    exchange_ = &x;
    if (!sent) {
        leave(reason::client_closed);
        return;
    }
    finished(status, why);
}

// finished: the transport has taken the whole answer.
void connection::finished(int status, reason why) {
    exchange_finish(*std::exchange(exchange_, nullptr), status, why);
    outgoing_.reset();
    if (transport_.blocked()) {
        phase_ = phase::sending;
        core_.loop.set(*this, core_.settings->config.timeouts.client_write);
        return;
    }
    become_idle();
}

void connection::on_detached(exchange& /*x*/, reason why) {
    exchange_ = nullptr;
    leave(why);
}

std::string connection::base() const {
    return (transport_.ssl() != nullptr ? "https://" : "http://") + authority_;
}

void connection::refuse(exchange& x, reason why) {
    refuse_with(x, routing::status_of(why), why, 0);
}

void connection::refuse_with(exchange& x, int status, reason why, unsigned retry_after_s) {
    compose_refusal(x, status, why, retry_after_s);
    hand_over(x, status, why);
}

// compose_refusal puts a refusal with its words into core::out.
void connection::compose_refusal(exchange& x, int status, reason why, unsigned retry_after_s) {
    std::string body = "boshgate: ";
    body.append(routing::name_of(why));
    body.append(": ");
    body.append(routing::words_of(why));
    body.push_back('\n');
    std::string_view allow;
    if (why == reason::method) {
        allow = to_node_ ? "Allow: GET, HEAD, OPTIONS, POST\r\n" : "Allow: GET, HEAD, OPTIONS\r\n";
    }
    std::string fields = "Content-Type: text/plain; charset=utf-8\r\nCache-Control: "
                         "no-store\r\nX-Content-Type-Options: nosniff\r\n";
    fields.append(allow);
    if (retry_after_s != 0) {
        fields.append("Retry-After: ").append(std::to_string(retry_after_s)).append("\r\n");
    }
    compose_small(x, status, fields, body);
}

// send_small sends an answer of our own.
void connection::send_small(exchange& x, int status, reason why, std::string_view fields,
                            std::string_view body) {
    compose_small(x, status, fields, body);
    hand_over(x, status, why);
}

// compose_small puts an answer of our own into core::out.
void connection::compose_small(exchange& x, int status, std::string_view fields,
                               std::string_view body) {
    begin_out(status);
    append_date();
    core_.out.append(fields);
    append_cors(x, {});
    if (status != 204) {
        append_length(body.size());
    }
    append_connection_fields(x);
    core_.out.append("\r\n");
    if (x.verb != method::head) {
        core_.out.append(body);
        x.answer_bytes = body.size();
    }
}

void connection::on_answer_head(exchange& x, const routing::answer_head& head) {
    outgoing_ = std::make_unique<outgoing>();
    outgoing_->status = head.status;
    const bool sized = head.body == framing::length;
    outgoing_->chunked = !sized && x.minor_version > 0;
    if (!sized && x.minor_version == 0) {
        x.keep_alive = false; // the end of the connection is the end of the body
    }
    append_node_head(x, head);
    if (sized) {
        append_length(head.content_length);
    } else if (outgoing_->chunked) {
        core_.out.append("Transfer-Encoding: chunked\r\n");
    }
    append_connection_fields(x);
    core_.out.append("\r\n");
    phase_ = phase::sending;
    if (!transport_.write(*core_.buffers, core_.out)) {
        leave(reason::client_closed);
    }
}

bool connection::on_answer_data(exchange& x, std::string_view data) {
    if (x.verb == method::head) {
        return true;
    }
    x.answer_bytes += data.size();
    bool sent = false;
    if (outgoing_->chunked) {
        std::string& out = core_.out;
        out.clear();
        append_number(out, data.size(), 16);
        out.append("\r\n");
        out.append(data);
        out.append("\r\n");
        sent = transport_.write(*core_.buffers, out);
    } else {
        sent = transport_.write(*core_.buffers, data);
    }
    if (!sent) {
        leave(reason::client_closed);
        return false;
    }
    if (transport_.blocked()) {
        core_.loop.set(*this, core_.settings->config.timeouts.client_write);
        return false;
    }
    return true;
}

void connection::on_answer_end(exchange& x) {
    exchange_ = &x;
    if (outgoing_->chunked && x.verb != method::head &&
        !transport_.write(*core_.buffers, "0\r\n\r\n")) {
        leave(reason::client_closed);
        return;
    }
    finished(outgoing_->status, reason::answered);
}

// on_answer_cut: the client has part of an answer. A reset is the one signal that it cannot take
// for the end of the answer.
void connection::on_answer_cut(exchange& x, reason why) {
    exchange_ = nullptr;
    exchange_finish(x, outgoing_->status, why);
    transport_.reset();
    close(false);
}

void connection::continue_sending() {
    outgoing& out = *outgoing_;
    for (int i = 0; i < file_pieces_at_once && out.left > 0 && !transport_.blocked(); ++i) {
        const std::int64_t sent =
            transport_.send_file(*core_.buffers, out.file, out.offset, out.left);
        if (sent < 0) {
            // The client has gone, or the file has shrunk: the promised length cannot be kept.
            transport_.reset();
            leave(transport_.broken() ? reason::client_closed : reason::file_error);
            return;
        }
        if (sent == 0) {
            return; // an edge will come
        }
        out.offset += static_cast<std::uint64_t>(sent);
        out.left -= static_cast<std::uint64_t>(sent);
        exchange_->answer_bytes += static_cast<std::uint64_t>(sent);
        core_.loop.set(*this, core_.settings->config.timeouts.client_write);
    }
    if (out.left > 0) {
        if (!transport_.blocked()) {
            core_.loop.again(*this);
        }
        return;
    }
    ::close(std::exchange(out.file, -1));
    finished(out.status, out.why);
}

} // namespace boshgate::proxy
