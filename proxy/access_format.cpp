// The lines of the access log, pure.

#include "proxy/access_log.hpp"

#include <array>
#include <charconv>

namespace boshgate::proxy {
namespace {

constexpr std::size_t method_bytes = 32;
constexpr std::string_view digits = "0123456789abcdef";

enum class style { text, json };

void append_number(std::uint64_t number, std::string& out) {
    std::array<char, 20> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
    out.append(text.data(), end);
}

// Exactly `width` digits.
void append_padded(std::uint64_t number, int width, std::string& out) {
    std::array<char, 20> text;
    for (int i = width; i-- > 0; number /= 10)
        text[static_cast<std::size_t>(i)] = digits[number % 10];
    out.append(text.data(), static_cast<std::size_t>(width));
}

void append_hex(std::uint64_t number, std::string& out) {
    for (int shift = 60; shift >= 0; shift -= 4)
        out += digits[(number >> shift) & 0xf];
}

// RFC 3339, UTC, milliseconds.
void append_time(std::chrono::system_clock::time_point time, std::string& out) {
    using namespace std::chrono;
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss<milliseconds> clock(floor<milliseconds>(time) - day);
    append_padded(static_cast<std::uint64_t>(static_cast<int>(date.year())), 4, out);
    out += '-';
    append_padded(static_cast<unsigned>(date.month()), 2, out);
    out += '-';
    append_padded(static_cast<unsigned>(date.day()), 2, out);
    out += 'T';
    append_padded(static_cast<std::uint64_t>(clock.hours().count()), 2, out);
    out += ':';
    append_padded(static_cast<std::uint64_t>(clock.minutes().count()), 2, out);
    out += ':';
    append_padded(static_cast<std::uint64_t>(clock.seconds().count()), 2, out);
    out += '.';
    append_padded(static_cast<std::uint64_t>(clock.subseconds().count()), 3, out);
    out += 'Z';
}

// Milliseconds with three decimals. A steady clock does not run backwards; a record might.
void append_duration(std::chrono::microseconds duration, std::string& out) {
    const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
    append_number(count / 1000, out);
    out += '.';
    append_padded(count % 1000, 3, out);
}

template <style kind>
void append_escaped(std::string_view bytes, std::size_t most, std::string& out) {
    const bool cut = bytes.size() > most;
    for (const char c : bytes.substr(0, most)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte <= 0x7e && byte != '"' && byte != '\\') {
            out += c;
            continue;
        }
        out += kind == style::text ? "\\x" : "\\u00";
        out += digits[byte >> 4];
        out += digits[byte & 0xf];
    }
    if (cut)
        out += "...";
}

void append_address(const routing::ip_address& address, std::string& out) {
    std::array<char, 46> buffer;
    out += address.print(buffer);
}

void append_word(std::string_view name, std::string_view value, std::string& out) {
    out += name;
    if (value.empty())
        out += '-';
    else
        append_escaped<style::text>(value, access_log::path_bytes, out);
}

void append_count(std::string_view name, std::uint64_t value, std::string& out) {
    out += name;
    append_number(value, out);
}

// `null` for what there is none of.
void append_member(std::string_view name, std::string_view value, std::size_t most,
                   std::string& out) {
    out += name;
    if (value.empty()) {
        out += "null";
        return;
    }
    out += '"';
    append_escaped<style::json>(value, most, out);
    out += '"';
}

} // namespace

void format_text(const access_record& record, std::string& out) {
    append_time(record.time, out);
    out += ' ';
    const bool brackets = record.client_port != 0 && !record.client.is_v4();
    if (brackets)
        out += '[';
    append_address(record.client, out);
    if (brackets)
        out += ']';
    if (record.client_port != 0)
        append_count(":", record.client_port, out);
    out += " \"";
    append_escaped<style::text>(record.method, method_bytes, out);
    out += ' ';
    append_escaped<style::text>(record.path, access_log::path_bytes, out);
    append_word("\" node=", record.node, out);
    append_count(" status=", static_cast<std::uint64_t>(std::max(record.status, 0)), out);
    append_word(" reason=", routing::name_of(record.why), out);
    append_count(" in=", record.request_bytes, out);
    append_count(" out=", record.answer_bytes, out);
    out += " total_ms=";
    append_duration(record.total, out);
    out += " node_ms=";
    append_duration(record.node_time, out);
    out += " session=";
    if (record.session != 0)
        append_hex(record.session, out);
    else
        out += '-';
    if (record.rid != 0)
        append_count(" rid=", record.rid, out);
    else
        out += " rid=-";
    append_count(" repeats=", record.repeats, out);
    append_word(" tls=", record.tls, out);
    append_count(" core=", record.core, out);
}

void format_json(const access_record& record, std::string& out) {
    out += "{\"time\":\"";
    append_time(record.time, out);
    out += "\",\"client\":\"";
    append_address(record.client, out);
    append_count("\",\"port\":", record.client_port, out);
    append_member(",\"method\":", record.method, method_bytes, out);
    append_member(",\"path\":", record.path, access_log::path_bytes, out);
    append_member(",\"node\":", record.node, access_log::path_bytes, out);
    append_count(",\"status\":", static_cast<std::uint64_t>(std::max(record.status, 0)), out);
    append_member(",\"reason\":", routing::name_of(record.why), access_log::path_bytes, out);
    append_count(",\"in\":", record.request_bytes, out);
    append_count(",\"out\":", record.answer_bytes, out);
    out += ",\"total_ms\":";
    append_duration(record.total, out);
    out += ",\"node_ms\":";
    append_duration(record.node_time, out);
    out += ",\"session\":";
    if (record.session != 0) {
        out += '"';
        append_hex(record.session, out);
        out += '"';
    } else {
        out += "null";
    }
    if (record.rid != 0)
        append_count(",\"rid\":", record.rid, out);
    else
        out += ",\"rid\":null";
    append_count(",\"repeats\":", record.repeats, out);
    append_member(",\"tls\":", record.tls, access_log::path_bytes, out);
    append_count(",\"core\":", record.core, out);
    out += '}';
}

} // namespace boshgate::proxy
