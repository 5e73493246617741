#include "routing/http_date.hpp"

#include "routing/ascii.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

namespace boshgate::routing {
namespace {

using namespace std::string_view_literals;

constexpr std::array days{"Sun"sv, "Mon"sv, "Tue"sv, "Wed"sv, "Thu"sv, "Fri"sv, "Sat"sv};
constexpr std::array long_days{"Sunday"sv,   "Monday"sv, "Tuesday"sv, "Wednesday"sv,
                               "Thursday"sv, "Friday"sv, "Saturday"sv};
constexpr std::array months{"Jan"sv, "Feb"sv, "Mar"sv, "Apr"sv, "May"sv, "Jun"sv,
                            "Jul"sv, "Aug"sv, "Sep"sv, "Oct"sv, "Nov"sv, "Dec"sv};

constexpr std::int64_t first_second = -62167219200; // 0000-01-01T00:00:00Z
constexpr std::int64_t last_second = 253402300799;  // 9999-12-31T23:59:59Z

// Takes one piece after another off the text; after the first that does not fit nothing fits.
class scanner {
  public:
    explicit scanner(std::string_view text) noexcept : rest_(text) {}

    bool literal(std::string_view expected) noexcept {
        ok_ = ok_ && rest_.starts_with(expected);
        if (ok_)
            rest_.remove_prefix(expected.size());
        return ok_;
    }
    template <std::size_t N>
    unsigned one_of(const std::array<std::string_view, N>& words) noexcept {
        for (unsigned i = 0; ok_ && i < N; ++i)
            if (rest_.starts_with(words[i])) {
                rest_.remove_prefix(words[i].size());
                return i;
            }
        ok_ = false;
        return 0;
    }
    unsigned digits(std::size_t count) noexcept {
        unsigned value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            ok_ = ok_ && !rest_.empty() && is_digit(rest_.front());
            if (!ok_)
                return 0;
            value = value * 10 + static_cast<unsigned>(rest_.front() - '0');
            rest_.remove_prefix(1);
        }
        return value;
    }
    // The day in asctime: a blank stands for a leading zero.
    unsigned padded_day() noexcept {
        const bool blank = rest_.starts_with(' ');
        if (blank)
            rest_.remove_prefix(1);
        return digits(blank ? 1 : 2);
    }
    [[nodiscard]] bool finished() const noexcept { return ok_ && rest_.empty(); }

  private:
    std::string_view rest_;
    bool ok_ = true;
};

struct parts {
    unsigned year = 0, month = 0, day = 0; // month from 0
    unsigned hour = 0, minute = 0, second = 0;
};

void time_of_day(scanner& in, parts& out) noexcept {
    out.hour = in.digits(2);
    in.literal(":");
    out.minute = in.digits(2);
    in.literal(":");
    out.second = in.digits(2);
}

std::optional<std::int64_t> seconds_of(const parts& from) noexcept {
    using namespace std::chrono;
    const year_month_day date{year(static_cast<int>(from.year)), month(from.month + 1),
                              day(from.day)};
    // 60 is a leap second; it counts as the one after.
    if (!date.ok() || from.hour > 23 || from.minute > 59 || from.second > 60)
        return std::nullopt;
    const std::int64_t day_count = sys_days(date).time_since_epoch().count();
    return ((day_count * 24 + from.hour) * 60 + from.minute) * 60 + from.second;
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<parts> read_imf(scanner in) noexcept {
    parts out;
    in.one_of(days);
    in.literal(", ");
    out.day = in.digits(2);
    in.literal(" ");
    out.month = in.one_of(months);
    in.literal(" ");
    out.year = in.digits(4);
    in.literal(" ");
    time_of_day(in, out);
    in.literal(" GMT");
    return in.finished() ? std::optional(out) : std::nullopt;
}

// "Sunday, 06-Nov-94 08:49:37 GMT"
std::optional<parts> read_rfc850(scanner in) noexcept {
    parts out;
    in.one_of(long_days);
    in.literal(", ");
    out.day = in.digits(2);
    in.literal("-");
    out.month = in.one_of(months);
    in.literal("-");
    const auto two_digits = in.digits(2);
    out.year = two_digits + (two_digits < 70 ? 2000 : 1900);
    in.literal(" ");
    time_of_day(in, out);
    in.literal(" GMT");
    return in.finished() ? std::optional(out) : std::nullopt;
}

// "Sun Nov  6 08:49:37 1994"
std::optional<parts> read_asctime(scanner in) noexcept {
    parts out;
    in.one_of(days);
    in.literal(" ");
    out.month = in.one_of(months);
    in.literal(" ");
    out.day = in.padded_day();
    in.literal(" ");
    time_of_day(in, out);
    in.literal(" ");
    out.year = in.digits(4);
    return in.finished() ? std::optional(out) : std::nullopt;
}

void append_digits(std::string& to, unsigned value, std::size_t count) {
    const auto text = std::to_string(value);
    to.append(count - std::min(count, text.size()), '0').append(text);
}

} // namespace

std::string http_date(std::int64_t seconds_since_epoch) {
    using namespace std::chrono;
    const auto time = std::clamp(seconds_since_epoch, first_second, last_second);
    const auto day_start = floor<std::chrono::days>(sys_seconds(seconds(time)));
    const year_month_day date(day_start);
    const hh_mm_ss clock(sys_seconds(seconds(time)) - day_start);

    std::string out(days[weekday(day_start).c_encoding()]);
    out.append(", ");
    append_digits(out, static_cast<unsigned>(date.day()), 2);
    out.append(" ").append(months[static_cast<unsigned>(date.month()) - 1]).append(" ");
    append_digits(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
    out.append(" ");
    append_digits(out, static_cast<unsigned>(clock.hours().count()), 2);
    out.append(":");
    append_digits(out, static_cast<unsigned>(clock.minutes().count()), 2);
    out.append(":");
    append_digits(out, static_cast<unsigned>(clock.seconds().count()), 2);
    return out.append(" GMT");
}

std::optional<std::int64_t> read_http_date(std::string_view text) noexcept {
    const scanner in(text);
    for (const auto& read : {read_imf, read_rfc850, read_asctime})
        if (const auto found = read(in))
            return seconds_of(*found);
    return std::nullopt;
}

} // namespace boshgate::routing
