#include "conf/secrets.hpp"

#include <algorithm>
#include <string>

namespace boshgate::conf {

namespace {

constexpr std::string_view line_wanted = "64 hexadecimal digits, as 'openssl rand -hex 32' writes";

std::optional<std::uint8_t> digit(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return static_cast<std::uint8_t>(c - '0');
    }
    const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    return lower >= 'a' && lower <= 'f' ? std::optional{static_cast<std::uint8_t>(lower - 'a' + 10)}
                                        : std::nullopt;
}

// A line without its comment and the blanks around (a carriage return is one).
std::string_view content_of(std::string_view line) noexcept {
    constexpr std::string_view blanks = " \t\r";
    line = line.substr(0, line.find('#'));
    const auto first = line.find_first_not_of(blanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return line.substr(first, line.find_last_not_of(blanks) - first + 1);
}

} // namespace

std::optional<secret> parse_secret(std::string_view text) noexcept {
    secret made{};
    if (text.size() != 2 * made.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < made.size(); ++i) {
        const auto high = digit(text[2 * i]);
        const auto low = digit(text[2 * i + 1]);
        if (!high || !low) {
            return std::nullopt;
        }
        made[i] = static_cast<std::uint8_t>(*high << 4 | *low);
    }
    return made;
}

secrets read_secrets(std::string_view text) {
    secrets found;
    std::size_t number = 0;
    std::vector<std::size_t> lines; // of found.all
    const auto wrong = [&](std::string what, std::string_view expected = {}) {
        found.faults.push_back(
            {"line " + std::to_string(number) + " " + what, std::string{expected}, {}});
    };
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const std::string_view content = content_of(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        if (content.empty()) {
            continue;
        }
        const std::optional<secret> one = parse_secret(content);
        if (!one) {
            wrong("is no secret of 32 bytes: it has " + std::to_string(content.size()) +
                      (content.size() == 1 ? " character" : " characters") +
                      (content.size() == 64 ? ", not all of them hexadecimal digits" : ""),
                  line_wanted);
        } else if (std::all_of(one->begin(), one->end(),
                               [&](auto b) { return b == one->front(); })) {
            wrong("is one byte over and over, which anybody would guess", line_wanted);
        } else if (const auto same = std::find(found.all.begin(), found.all.end(), *one);
                   same != found.all.end()) {
            wrong("repeats the secret of line " +
                  std::to_string(lines[static_cast<std::size_t>(same - found.all.begin())]));
        } else if (found.all.size() == secrets_most) {
            wrong("is one secret too many", "at most " + std::to_string(secrets_most));
            break;
        } else {
            found.all.push_back(*one);
            lines.push_back(number);
        }
    }
    if (found.all.empty() && found.faults.empty()) {
        found.faults.push_back({"there is no secret in it", std::string{line_wanted}, {}});
    }
    return found;
}

} // namespace boshgate::conf
