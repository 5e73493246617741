#include "traffic.hpp"

#include <algorithm>
#include <cstring>

namespace bench {
namespace {

constexpr std::string_view rid_mark = "0000000000";
constexpr std::string_view sid_mark = "ssssssssssssssss";
constexpr std::size_t sizes = 64; // distinct bodies of one distribution

// What Chromium 120 sends with a fetch() of another origin; Content-Length and body follow.
constexpr std::string_view browser_fields =
    "Connection: keep-alive\r\n"
    "sec-ch-ua: \"Not_A Brand\";v=\"8\", \"Chromium\";v=\"120\", \"Google Chrome\";v=\"120\"\r\n"
    "sec-ch-ua-platform: \"Windows\"\r\n"
    "sec-ch-ua-mobile: ?0\r\n"
    "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Safari/537.36\r\n"
    "Content-Type: text/xml; charset=utf-8\r\n"
    "Accept: */*\r\n"
    "Origin: https://chat.example.com\r\n"
    "Sec-Fetch-Site: same-site\r\n"
    "Sec-Fetch-Mode: cors\r\n"
    "Sec-Fetch-Dest: empty\r\n"
    "Referer: https://chat.example.com/\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Accept-Language: en-US,en;q=0.9,de;q=0.8\r\n";

std::string body_with(std::string_view payload) {
    return "<body rid='" + std::string(rid_mark) + "' sid='" + std::string(sid_mark) +
           "' xmlns='http://jabber.org/protocol/httpbind'>" + std::string(payload) + "</body>";
}

// A stanza that makes the whole body `size` bytes long: a chat message where it fits, a presence
// with white space behind it where it doesn't.
std::string sized_body(std::size_t size) {
    constexpr std::string_view open = "<message xmlns='jabber:client' to='juliet@example.com' "
                                      "type='chat' id='m1'><body>";
    constexpr std::string_view close = "</body></message>";
    const std::size_t frame = body_with("").size();
    if (size >= frame + open.size() + close.size()) {
        const std::size_t text = size - frame - open.size() - close.size();
        std::string words;
        while (words.size() < text) {
            words += "Wherefore art thou, Romeo? ";
        }
        words.resize(text);
        return body_with(std::string(open) + words + std::string(close));
    }
    std::string presence = "<presence/>";
    presence.append(size - std::min(size, frame + presence.size()), ' ');
    return body_with(presence);
}

} // namespace

std::uint64_t random_source::next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

traffic::traffic(std::string_view host, std::size_t least, std::size_t most, random_source random)
    : host_(host), random_(random) {
    const std::size_t count = most > least ? sizes : 1;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t size = least + (count > 1 ? (most - least) * i / (count - 1) : 0);
        payloads_.push_back(make(sized_body(size)));
    }
    empty_ = make("<body rid='" + std::string(rid_mark) + "' sid='" + std::string(sid_mark) +
                  "' xmlns='http://jabber.org/protocol/httpbind'/>");
}

traffic::form traffic::make(std::string_view body) const {
    form made;
    made.text = " HTTP/1.1\r\nHost: " + host_ + "\r\n" + std::string(browser_fields) +
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
    made.rid_at = made.text.find(rid_mark);
    made.sid_at = made.text.find(sid_mark);
    return made;
}

void traffic::fill(std::string& out, std::string_view path, const form& from, bosh_session& of) {
    out.assign("POST ");
    out.append(path);
    const std::size_t base = out.size();
    out.append(from.text);
    std::uint64_t rest = ++of.rid;
    for (std::size_t i = rid_mark.size(); i-- > 0; rest /= 10) {
        out[base + from.rid_at + i] = static_cast<char>('0' + rest % 10);
    }
    std::memcpy(out.data() + base + from.sid_at, of.sid.data(), of.sid.size());
}

void traffic::create(std::string& out, std::string_view path, bosh_session& of, unsigned wait_s) {
    of.open = false;
    of.rid = 1'000'000'000 + random_.below(1'000'000'000);
    const std::string body =
        "<body content='text/xml; charset=utf-8' hold='1' rid='" + std::to_string(of.rid) +
        "' to='example.com' ver='1.6' wait='" + std::to_string(wait_s) +
        "' xml:lang='en' xmpp:version='1.0' xmlns='http://jabber.org/protocol/httpbind' "
        "xmlns:xmpp='urn:xmpp:xbosh'/>";
    out.assign("POST ");
    out.append(path);
    out.append(make(body).text);
}

void traffic::send(std::string& out, std::string_view path, bosh_session& of) {
    fill(out, path, payloads_[random_.below(payloads_.size())], of);
}

void traffic::poll(std::string& out, std::string_view path, bosh_session& of) {
    fill(out, path, empty_, of);
}

} // namespace bench
