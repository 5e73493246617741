#include "proxy/doctor_node.hpp"

#include "proxy/doctor_tls.hpp"
#include "proxy/name_resolver.hpp"
#include "routing/bosh_body.hpp"
#include "routing/sasl_mechanisms.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <optional>
#include <set>
#include <sstream>
#include <system_error>
#include <thread>
#include <utility>

#include <openssl/rand.h>

namespace boshgate::proxy {

using discovery::address_facts;
using discovery::answer_facts;
using discovery::bosh_facts;
using discovery::link_end;
using discovery::name_facts;
using discovery::opening_facts;
using discovery::tls_end;
using discovery::tls_facts;
using routing::answer_meaning;
using routing::body_attribute;

namespace {

// Where BOSH servers have it by default: CUP; Prosody and ejabberd; Openfire; ejabberd before 18.
constexpr std::array<std::string_view, 5> usual_paths{"/httpbinding", "/http-bind", "/http-bind/",
                                                      "/bosh", "/bosh/"};

std::uint64_t random_number() {
    std::uint32_t number = 0;
    RAND_bytes(reinterpret_cast<unsigned char*>(&number), sizeof number);
    return std::uint64_t{number} + 1;
}

std::string body_of(const std::string& attributes) {
    return "<body xmlns='http://jabber.org/protocol/httpbind' rid='" + attributes + "/>";
}

// What an answer offers for a login, for people: "PLAIN, SCRAM-SHA-1".
std::string offered(const routing::body_tag& tag, const routing::body_limits& limits) {
    std::string out;
    std::istringstream words(routing::sasl_mechanisms(tag, limits));
    std::set<std::string> told; // by SASL and SASL2
    for (std::string word; words >> word;) {
        std::string name = word.substr(word.find(':') + 1);
        std::replace_if(
            name.begin(), name.end(), [](char c) { return c <= ' ' || c > '~'; }, '?');
        if (told.insert(name).second) {
            out += (out.empty() ? "" : ", ") + name;
        }
    }
    return out;
}

// One address of one node, asked step by step, each on a connection of its own.
class examination {
  public:
    examination(const doctor_question& asked, const routing::ip_address& address)
        : asked_(asked),
          settings_(asked.settings),
          node_(asked.settings.config.nodes[asked.node]),
          address_(address),
          end_(doctor_clock::now() + asked.patience.node) {}

    address_facts run() {
        address_facts out;
        {
            doctor_link link;
            out.connect = connect(link);
            if (out.connect.end != link_end::done) {
                return out;
            }
            if (node_.url.tls) {
                out.tls = shake_with(*tls(), node_, link, step());
                if (out.tls->end != tls_end::done) {
                    explain(*out.tls);
                    return out;
                }
            }
            out.bosh.emplace();
            out.bosh->answer = link.ask(post(node_.url.target, question()), step());
        }
        bosh_facts& bosh = *out.bosh;
        read_answer(bosh);
        const bool answers = follow_up(bosh);
        if (bosh.answer.end != link_end::done || bosh.tls_answers) {
            return out; // more of the same would come
        }
        out.page = ask(get());
        if (answers) {
            out.session = session();
        }
        return out;
    }

  private:
    [[nodiscard]] const node_tls_context* tls() const {
        return settings_.nodes[asked_.node].tls.get();
    }

    [[nodiscard]] doctor_clock::time_point step() const {
        return std::min(doctor_clock::now() + asked_.patience.step, end_);
    }

    discovery::connect_facts connect(doctor_link& link) const {
        return link.connect(address_, node_.url.port, step());
    }

    // A request to another path of the node than its URL's has the URL's Host all the same.
    [[nodiscard]] std::string start(std::string_view verb, std::string_view target) const {
        const std::string& whole = settings_.nodes[asked_.node].get_start;
        // As clients come: some servers offer no mechanisms without TLS.
        const bool secure =
            !settings_.config.trusted_proxies.empty() ||
            std::any_of(settings_.config.listen.begin(), settings_.config.listen.end(),
                        [](const conf::listener& one) { return one.tls.has_value(); });
        return std::string(verb) + ' ' + std::string(target) +
               whole.substr(whole.find(" HTTP/1.1\r\n")) +
               "User-Agent: boshgate-doctor\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: " +
               (secure ? "https" : "http") + "\r\nConnection: close\r\n";
    }
    [[nodiscard]] std::string post(std::string_view target, const std::string& body) const {
        return start("POST", target) + "Content-Type: text/xml; charset=utf-8\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    [[nodiscard]] std::string get() const {
        return start("GET", node_.url.target) + "Accept: */*\r\n\r\n";
    }
    [[nodiscard]] static std::string question() {
        const std::string number = std::to_string(random_number());
        return body_of(number + "' sid='boshgate-doctor-" + number + "'");
    }

    answer_facts ask(const std::string& request) const {
        doctor_link link;
        answer_facts out;
        const auto connected = connect(link);
        out.end = connected.end;
        out.took_ms = connected.took_ms;
        if (connected.end != link_end::done) {
            return out;
        }
        if (node_.url.tls) {
            const tls_facts shaken = shake_with(*tls(), node_, link, step());
            if (shaken.end != tls_end::done) {
                out.end = shaken.end == tls_end::silent ? link_end::silent : link_end::closed;
                out.took_ms = shaken.took_ms;
                return out;
            }
        }
        return link.ask(request, step());
    }

    // Reads the answer to a question, as the proxy would.
    void read_answer(bosh_facts& out) const {
        if (out.answer.end != link_end::done) {
            return;
        }
        routing::body_tag tag;
        routing::node_answer answer{.status = out.answer.status,
                                    .content_type = out.answer.content_type,
                                    .begin = out.answer.body};
        answer.body = routing::check_body(out.answer.body, settings_.body_limits, tag).why;
        out.meaning = translate_answer(answer, routing::asked_for::in_session).meaning;
        if (out.meaning == answer_meaning::bosh) {
            out.terminates = tag.is(body_attribute::type, "terminate");
            out.condition = tag.written(body_attribute::condition);
        }
    }

    // follow_up asks what a first answer left open. Whether there is BOSH.
    bool follow_up(bosh_facts& out) const {
        const answer_facts& answer = out.answer;
        if (answer.end == link_end::done && out.meaning == answer_meaning::bosh) {
            return true;
        }
        const bool no_word = answer.end == link_end::closed || answer.tls_alert ||
                             (answer.end == link_end::done && answer.status == 400);
        if (!node_.url.tls && no_word && find_tls(out)) {
            return false;
        }
        if (answer.end != link_end::done) {
            return false;
        }
        if (out.meaning == answer_meaning::unknown_session) {
            const answer_facts empty = ask(post(node_.url.target, ""));
            const answer_facts nowhere = ask(post("/boshgate-doctor", ""));
            out.not_found_is_bosh =
                empty.end == link_end::done && empty.status == 400 && nowhere.status != 400;
        }
        if (!out.not_found_is_bosh) {
            find_path(out);
        }
        return out.not_found_is_bosh;
    }

    // An http URL whose port speaks TLS.
    [[nodiscard]] bool find_tls(bosh_facts& out) const {
        conf::node secured = node_;
        secured.url.tls = true;
        std::vector<tls_problem> problems;
        const auto context = node_tls_context::build(secured, problems);
        doctor_link link;
        if (!context || connect(link).end != link_end::done) {
            return false;
        }
        const tls_facts shaken = shake_with(*context, secured, link, step());
        out.tls_answers = shaken.end == tls_end::done;
        out.tls_pin = shaken.pin;
        out.tls_trusted = shaken.problems.empty();
        return out.tls_answers;
    }

    void find_path(bosh_facts& out) const {
        for (const std::string_view path : usual_paths) {
            if (path == node_.url.target) {
                continue;
            }
            bosh_facts there;
            there.answer = ask(post(path, question()));
            read_answer(there);
            if (there.answer.end != link_end::done) {
                return;
            }
            if (there.meaning == answer_meaning::bosh && there.terminates) {
                out.found_at = path;
                return;
            }
        }
    }

    // Some servers take a handshake for the begin of a request, and wait for more of it.
    [[nodiscard]] bool speaks_plain_http() const {
        doctor_link link;
        if (connect(link).end != link_end::done) {
            return false;
        }
        const answer_facts plain = link.ask(get(), step());
        return plain.end == link_end::done && plain.status != 0;
    }

    // Why a handshake failed, as far as other attempts can tell.
    void explain(tls_facts& out) const {
        if (speaks_plain_http()) {
            out.end = tls_end::plain_http;
            return;
        }
        if (node_.tls.legacy || out.end == tls_end::silent) {
            return;
        }
        conf::node old = node_;
        old.tls.legacy = true;
        std::vector<tls_problem> problems;
        const auto context = node_tls_context::build(old, problems);
        doctor_link link;
        if (!context || connect(link).end != link_end::done) {
            return;
        }
        const tls_facts shaken = shake_with(*context, old, link, step());
        if (shaken.end == tls_end::done) {
            out.end = tls_end::legacy;
            out.pin = shaken.pin;
            out.error = shaken.version + ", " + shaken.cipher;
        }
    }

    // session opens one for the first domain that the node serves, and ends it.
    [[nodiscard]] opening_facts session() const {
        opening_facts out;
        for (const std::string& domain : asked_.domains) {
            out = session(domain);
            if (out.opened || out.answer.end != link_end::done) {
                break;
            }
        }
        out.domain_known = asked_.domain_known || out.opened;
        return out;
    }

    [[nodiscard]] opening_facts session(const std::string& domain) const {
        opening_facts out;
        out.domain = domain;
        std::uint64_t rid = random_number();
        out.answer =
            ask(post(node_.url.target,
                     body_of(std::to_string(rid) + "' to='" + domain +
                             "' wait='5' hold='1' ver='1.6' xml:lang='en' xmpp:version='1.0' "
                             "xmlns:xmpp='urn:xmpp:xbosh'")));
        if (out.answer.end != link_end::done) {
            return out;
        }
        routing::body_tag tag;
        if (out.answer.status != 200 ||
            !routing::check_body(out.answer.body, settings_.body_limits, tag).ok()) {
            return out;
        }
        out.condition = tag.written(body_attribute::condition);
        const std::string sid(tag.written(body_attribute::sid));
        if (tag.is(body_attribute::type, "terminate") || sid.empty() ||
            sid.find('\'') != std::string::npos) {
            return out;
        }
        out.opened = true;
        out.mechanisms = offered(tag, settings_.body_limits);
        const auto of_session = [&](const std::string& more) {
            return ask(post(node_.url.target,
                            body_of(std::to_string(++rid) + "' sid='" + sid + "'" + more)));
        };
        if (out.mechanisms.empty()) { // they may come with the next answer (XEP-0206 4)
            const answer_facts next = of_session("");
            if (routing::check_body(next.body, settings_.body_limits, tag).ok()) {
                out.mechanisms = offered(tag, settings_.body_limits);
            }
        }
        of_session(" type='terminate'");
        return out;
    }

    const doctor_question& asked_;
    const snapshot& settings_;
    const conf::node& node_;
    routing::ip_address address_;
    doctor_clock::time_point end_;
};

// The system's look-up cannot be ended: its thread is left alone when the time is over.
std::optional<looked_up> look_up(const std::string& host, std::chrono::milliseconds most) {
    auto promised = std::make_shared<std::promise<looked_up>>();
    std::future<looked_up> found = promised->get_future();
    std::thread([host, promised] { promised->set_value(system_look_up(host)); }).detach();
    return found.wait_for(most) == std::future_status::ready ? std::optional(found.get())
                                                             : std::nullopt;
}

} // namespace

void side_by_side(std::size_t count, std::size_t most,
                  const std::function<void(std::size_t)>& each) {
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        for (std::size_t i = next++; i < count; i = next++) {
            each(i);
        }
    };
    std::vector<std::thread> threads;
    try {
        for (std::size_t i = 1; i < std::min(count, most); ++i) {
            threads.emplace_back(work);
        }
    } catch (const std::system_error&) {
        // The system gives no more threads: those that there are do it all.
    }
    work();
    for (std::thread& one : threads) {
        one.join();
    }
}

discovery::node_facts examine_node(const doctor_question& asked) {
    discovery::node_facts out;
    const conf::node& node = asked.settings.config.nodes[asked.node];
    const auto start = doctor_clock::now();
    std::vector<routing::ip_address> addresses;
    if (const auto numeric = routing::ip_address::parse(node.url.host)) {
        out.name.numeric = true;
        addresses.push_back(*numeric);
    } else if (auto found = look_up(node.url.host, asked.patience.step)) {
        addresses = std::move(found->addresses);
        out.name.error = std::move(found->error);
    } else {
        out.name.error = "no answer from the name server";
    }
    out.name.took_ms = ms_since(start);
    if (out.name.error.empty() && addresses.empty()) {
        out.name.error = "the name has no address";
    }
    std::array<char, 46> text;
    for (const routing::ip_address& one : addresses) {
        out.name.addresses.emplace_back(one.print(text));
    }
    addresses.resize(std::min(addresses.size(), doctor_addresses_most));
    out.name.tried = addresses.size();
    out.addresses.resize(addresses.size());
    side_by_side(addresses.size(), doctor_addresses_most,
                 [&](std::size_t i) { out.addresses[i] = examination(asked, addresses[i]).run(); });
    return out;
}

} // namespace boshgate::proxy
