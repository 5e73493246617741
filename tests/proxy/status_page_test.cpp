// The status page as it is built in: whole, and dependent on nothing from elsewhere.

#include "proxy/status_page.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace boshgate::tests {
namespace {

using proxy::status_page;

std::size_t count_of(std::string_view part) {
    std::size_t found = 0;
    for (std::size_t at = status_page().find(part); at != std::string_view::npos;
         at = status_page().find(part, at + 1)) {
        ++found;
    }
    return found;
}

TEST(StatusPage, IsOneWholeDocument) {
    EXPECT_TRUE(status_page().starts_with("<!doctype html>\n<html lang=\"en\">"));
    EXPECT_TRUE(status_page().ends_with("</html>\n"));
    EXPECT_EQ(count_of("<style>"), 1U);
    EXPECT_EQ(count_of("<script>"), 7U);
    EXPECT_EQ(count_of("</script>"), 7U);
}

TEST(StatusPage, LoadsNothingAndLetsNothingInline) {
    // Attributes with styles or handlers would need 'unsafe-inline' in its policy.
    for (const std::string_view none : std::to_array<std::string_view>(
             {"<link rel=\"stylesheet\"", "<script src", "@import", "url(", "<img", "<iframe",
              " style=\"", " onclick=", " onload=", "innerHTML", "eval(", "javascript:"})) {
        EXPECT_EQ(count_of(none), 0U) << none;
    }
    // The only address of elsewhere is the name of a kind of XML.
    EXPECT_EQ(count_of("http://"), count_of("http://www.w3.org/2000/svg"));
}

} // namespace
} // namespace boshgate::tests
