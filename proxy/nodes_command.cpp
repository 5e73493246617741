#include "proxy/nodes_command.hpp"

#include "conf/findings.hpp"
#include "conf/load.hpp"
#include "conf/secrets.hpp"
#include "proxy/admin_client.hpp"
#include "proxy/configuration.hpp"
#include "proxy/secrets_file.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

namespace boshgate::proxy {

namespace json = boost::json;

namespace {

// The part of a configuration that is needed to reach the process. What else is wrong with it, and
// files that only the process may read, is `check`'s to say.
std::optional<conf::admin_config> admin_of(const std::string& file, std::ostream& err) {
    std::string text;
    std::string problem;
    if (!read_file(file, text, problem)) {
        err << "boshgate: " << file << ": " << problem << '\n';
        return std::nullopt;
    }
    const conf::loaded loaded = conf::load(text, file);
    if (conf::has_errors(loaded.problems)) {
        for (const conf::problem& one : loaded.problems) {
            err << conf::to_string(one) << '\n';
        }
        return std::nullopt;
    }
    const conf::admin_config& admin = loaded.config.admin;
    if (admin.host.empty()) {
        err << file << ": admin.address is \"\", so this boshgate cannot be asked\n";
        return std::nullopt;
    }
    if (admin.port == 0) {
        err << file
            << ": admin.address has port 0: only the log of the process says which it is; "
               "choose one\n";
        return std::nullopt;
    }
    return admin;
}

std::string hex_of(const conf::secret& token) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : token) {
        text += digits[byte >> 4U];
        text += digits[byte & 15U];
    }
    return text;
}

// Empty: there is none, which was said.
std::string token_of(const conf::admin_config& admin, const std::string& file, std::ostream& err) {
    if (admin.token_file.empty()) {
        err << file << ": admin.token_file is not set, so nobody may change anything. Make one,\n"
            << "    (umask 077; openssl rand -hex 32 > /etc/boshgate/admin.token)\n"
            << "name it there, and restart boshgate\n";
        return {};
    }
    const conf::source_marks no_marks;
    conf::findings found(no_marks, file);
    const std::vector<conf::secret> tokens =
        read_secrets_file(admin.token_file, "admin.token_file", found);
    for (const conf::problem& one : found.take()) {
        err << conf::to_string(one) << '\n';
    }
    return tokens.empty() ? std::string() : hex_of(tokens.front());
}

// What {"error":{"message":...}} says; the body, if it is something else.
std::string message_of(const std::string& body) {
    boost::system::error_code ec;
    const json::value parsed = json::parse(body, ec);
    const json::value* const said = ec ? nullptr : parsed.find_pointer("/error/message", ec);
    return said != nullptr && said->is_string() ? json::value_to<std::string>(*said) : body;
}

void say_not_reached(const conf::admin_config& admin, const std::string& why, std::ostream& err) {
    err << "boshgate: nobody answers at " << admin.host << " port " << admin.port << ": " << why
        << ". Does boshgate run, with this configuration?\n";
}

std::string text_of(const json::object& of, std::string_view key) {
    const json::value* const found = of.if_contains(key);
    return found != nullptr && found->is_string() ? json::value_to<std::string>(*found) : "";
}

std::int64_t number_of(const json::object& of, std::string_view key) {
    const json::value* const found = of.if_contains(key);
    return found != nullptr && found->is_number() ? found->to_number<std::int64_t>() : 0;
}

constexpr std::array<std::string_view, 6> titles{"node",     "state", "since",
                                                 "sessions", "held",  "why"};
constexpr std::size_t first_number = 3; // columns from here to the last but one stand to the right
using row = std::array<std::string, titles.size()>;

std::string why_of(const json::object& node) {
    std::string why = text_of(node, "words");
    if (const std::string wish = text_of(node, "wish"); wish != "none") {
        const std::string measured = text_of(node, "measured");
        why = "the operator's wish" +
              (measured == "up" ? std::string() : "; " + measured + ": " + why);
    }
    if (const std::string evidence = text_of(node, "evidence"); !evidence.empty() && !why.empty()) {
        why += " (" + evidence + ")";
    }
    return why;
}

row row_of(const json::object& node, std::int64_t now) {
    return {text_of(node, "name"),
            text_of(node, "state"),
            time_in_words(now - number_of(node, "since_unix_ms")),
            std::to_string(number_of(node, "sessions")),
            std::to_string(number_of(node, "held")),
            why_of(node)};
}

std::string table_of(const std::vector<row>& rows) {
    std::array<std::size_t, titles.size()> widths{};
    for (const row& one : rows) {
        for (std::size_t i = 0; i < one.size(); ++i) {
            widths.at(i) = std::max(widths.at(i), one.at(i).size());
        }
    }
    std::string out;
    for (const row& one : rows) {
        std::string line;
        for (std::size_t i = 0; i < one.size(); ++i) {
            const std::string fill(widths.at(i) - one.at(i).size(), ' ');
            const bool right = i >= first_number && i + 1 < one.size();
            line += (i == 0 ? "" : "  ") + (right ? fill + one.at(i) : one.at(i) + fill);
        }
        out += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
    }
    return out;
}

} // namespace

std::string time_in_words(std::int64_t ms) {
    const std::int64_t seconds = std::max<std::int64_t>(ms, 0) / 1000;
    if (seconds < 120) {
        return std::to_string(seconds) + " s";
    }
    if (seconds < 120 * 60) {
        return std::to_string(seconds / 60) + " min";
    }
    if (seconds < 48 * 3600) {
        return std::to_string(seconds / 3600) + " h";
    }
    return std::to_string(seconds / 86'400) + " days";
}

std::string nodes_table(const std::string& answer, std::int64_t now_unix_ms) {
    const json::value parsed = json::parse(answer);
    std::vector<row> rows{{}};
    std::copy(titles.begin(), titles.end(), rows.front().begin());
    if (const json::value* const all = parsed.as_object().if_contains("nodes")) {
        for (const json::value& one : all->as_array()) {
            rows.push_back(row_of(one.as_object(), now_unix_ms));
        }
    } else {
        rows.push_back(row_of(parsed.as_object(), now_unix_ms));
    }
    return table_of(rows);
}

int nodes(const std::string& config_file, const nodes_order& order, bool json, std::ostream& out,
          std::ostream& err) {
    const std::optional<conf::admin_config> admin = admin_of(config_file, err);
    if (!admin) {
        return 1;
    }
    const bool changes = !order.wish.empty();
    const std::string token = changes ? token_of(*admin, config_file, err) : std::string();
    if (changes && token.empty()) {
        return 1;
    }
    const admin_reply got =
        admin_call(*admin, changes ? "POST" : "GET",
                   "/api/v1/nodes" + (changes ? "/" + order.node + "/" + order.wish : ""), token);
    if (got.status == 0) {
        say_not_reached(*admin, got.problem, err);
        return 1;
    }
    if (got.status != 200) {
        err << "boshgate: " << message_of(got.body) << '\n';
        return 1;
    }
    if (json) {
        out << got.body;
        return 0;
    }
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    try {
        out << nodes_table(got.body,
                           std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
    } catch (const std::exception&) {
        err << "boshgate: what answers at " << admin->host << " port " << admin->port
            << " is no boshgate\n";
        return 1;
    }
    return 0;
}

} // namespace boshgate::proxy
