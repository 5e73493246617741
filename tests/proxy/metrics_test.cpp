#include "proxy/metrics.hpp"

#include "tests/support/running_proxy.hpp"
#include "tests/support/stub_node.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/test_certificates.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include <boost/asio/io_context.hpp>

namespace boshgate::tests {
namespace {

using proxy::durations;
using proxy::metrics_writer;

std::string metrics_of(running_proxy& of) {
    boost::asio::io_context context(1);
    return proxy::metrics_text(
        {.control = context, .proxy = of.app(), .unresolved = [] { return std::size_t{0}; }});
}

// The value of the sample whose line begins so; "none" if there is no such line.
std::string value_of(const std::string& text, const std::string& sample) {
    const auto found = ("\n" + text).find("\n" + sample + " ");
    if (found == std::string::npos) {
        return "none";
    }
    const auto start = found + sample.size() + 1;
    return text.substr(start, text.find('\n', start) - start);
}

TEST(Metrics, AreWrittenAsPrometheusReadsThem) {
    metrics_writer out;
    out.family("a_total", "counter", "back\\slash and \"quotes\"");
    out.sample(std::uint64_t{7});
    out.sample(std::int64_t{-1}, {{"node", "a\\b\"c\nd"}, {"state", "up"}});
    out.family("b_seconds", "gauge", "t");
    out.seconds(1.5);
    EXPECT_EQ(out.take(), "# HELP a_total back\\\\slash and \"quotes\"\n# TYPE a_total counter\n"
                          "a_total 7\na_total{node=\"a\\\\b\\\"c\\nd\",state=\"up\"} -1\n"
                          "# HELP b_seconds t\n# TYPE b_seconds gauge\nb_seconds 1.500\n");
}

TEST(Metrics, HistogramsAddUpOverTheCores) {
    durations one;
    durations other;
    one.add(500); // the end of the first bucket
    one.add(501); // the next
    other.add(120'000'000);
    other.add(120'000'001); // none
    other.add(-3);          // a clock that stepped back
    metrics_writer out;
    out.family("t_seconds", "histogram", "h");
    out.histogram({&one, &other}, {{"node", "n"}});
    const std::string text = out.take();
    const std::pair<const char*, const char*> cases[] = {
        {"t_seconds_bucket{node=\"n\",le=\"0.0005\"}", "2"},
        {"t_seconds_bucket{node=\"n\",le=\"0.001\"}", "3"},
        {"t_seconds_bucket{node=\"n\",le=\"60\"}", "3"},
        {"t_seconds_bucket{node=\"n\",le=\"120\"}", "4"},
        {"t_seconds_bucket{node=\"n\",le=\"+Inf\"}", "5"},
        {"t_seconds_count{node=\"n\"}", "5"},
        {"t_seconds_sum{node=\"n\"}", "240.001002"},
    };
    for (const auto& [sample, value] : cases) {
        EXPECT_EQ(value_of(text, sample), value) << sample << '\n' << text;
    }
}

// What the manual says: name, type.
std::map<std::string, std::string> manual() {
    std::ifstream in(BOSHGATE_SOURCE_DIR "/conf/MANUAL.md");
    std::map<std::string, std::string> all;
    const std::regex row(R"(\| `((?:boshgate|process)_\w+)` \| (\w+) \|.*)");
    std::smatch match;
    for (std::string line; std::getline(in, line);) {
        if (std::regex_match(line, match, row)) {
            EXPECT_TRUE(all.emplace(match[1], match[2]).second) << match[1];
        }
    }
    return all;
}

TEST(Metrics, AreThoseOfTheManual) {
    running_proxy of(bosh_config_with_node(1));
    std::map<std::string, std::string> shown;
    std::istringstream lines(metrics_of(of));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string hash;
        std::string what;
        std::string name;
        std::string type;
        words >> hash >> what >> name >> type;
        if (hash == "#" && what == "TYPE") {
            EXPECT_TRUE(shown.emplace(name, type).second) << name << " stands there twice";
        }
    }
    EXPECT_EQ(shown, manual());
    EXPECT_GT(shown.size(), 60U);
}

TEST(Metrics, CountWhatANodeAnswers) {
    stub_node node(
        [](const node_request& /*asked*/) { return node_reply{.bytes = ok("<body/>")}; });
    running_proxy of(config_with_node(node.port()));
    EXPECT_EQ(of.ask(post("/node-a1", "<body/>")).status, 200);
    EXPECT_EQ(of.ask("GET /node-a1 HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
    EXPECT_EQ(of.ask("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n").status, 404);
    ASSERT_TRUE(of.ended(routing::reason::answered, 2));
    ASSERT_TRUE(of.ended(routing::reason::no_route, 1));
    const std::string text = metrics_of(of);
    const std::pair<const char*, const char*> cases[] = {
        {"boshgate_node_exchanges_total{node=\"node-a1\",route=\"node\",reason=\"answered\"}", "1"},
        {"boshgate_node_exchanges_total{node=\"node-a1\",route=\"page\",reason=\"answered\"}", "1"},
        {"boshgate_node_exchanges_total{node=\"node-a1\",route=\"discovery\",reason=\"answered\"}",
         "0"},
        {"boshgate_ended_total{reason=\"answered\"}", "2"},
        {"boshgate_ended_total{reason=\"no_route\"}", "1"},
        {"boshgate_ended_total{reason=\"node_refused\"}", "0"},
        {"boshgate_node_answer_seconds_count{node=\"node-a1\"}", "2"},
        {"boshgate_own_seconds_count", "2"},
        {"boshgate_poll_seconds_count", "0"},
        {"boshgate_node_state{node=\"node-a1\",state=\"up\"}", "1"},
        {"boshgate_node_state{node=\"node-a1\",state=\"down\"}", "0"},
        {"boshgate_node_up{node=\"node-a1\"}", "1"},
        {"boshgate_node_sessions{node=\"node-a1\"}", "0"},
        {"boshgate_limit_reached_total{limit=\"limits.head_bytes\"}", "0"},
        {"boshgate_cores", "1"},
        {"boshgate_ready", "1"},
        {"boshgate_build_info{version=\"" BOSHGATE_VERSION "\"}", "1"},
    };
    for (const auto& [sample, value] : cases) {
        EXPECT_EQ(value_of(text, sample), value) << sample << '\n' << text;
    }
}

} // namespace
} // namespace boshgate::tests
