#include "proxy/access_log.hpp"

#include "tests/support/temp_directory.hpp"

#include <algorithm>
#include <limits>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace boshgate::proxy {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;
using tests::temp_directory;

std::chrono::system_clock::time_point at(std::int64_t milliseconds) {
    return std::chrono::system_clock::time_point(std::chrono::milliseconds(milliseconds));
}

access_record full_record() {
    access_record record;
    record.time = at(1'700'000'000'042);
    record.client = *routing::ip_address::parse("192.0.2.1");
    record.client_port = 51234;
    record.method = "POST";
    record.path = "/node-a1";
    record.node = "node-a1";
    record.tls = "TLSv1.3";
    record.status = 200;
    record.why = routing::reason::answered;
    record.request_bytes = 312;
    record.answer_bytes = 540;
    record.total = 30'012'345us;
    record.node_time = 7us;
    record.session = 0x00c0ffee12345678;
    record.rid = 9007199254740991;
    record.repeats = 1;
    record.core = 3;
    return record;
}

std::string text_of(const access_record& record) {
    std::string line = "kept ";
    format_text(record, line);
    EXPECT_THAT(line, StartsWith("kept "));
    return line.substr(5);
}

std::string json_of(const access_record& record) {
    std::string line = "kept ";
    format_json(record, line);
    EXPECT_THAT(line, StartsWith("kept "));
    return line.substr(5);
}

TEST(access_format, prints_everything) {
    EXPECT_EQ(text_of(full_record()),
              "2023-11-14T22:13:20.042Z 192.0.2.1:51234 \"POST /node-a1\" node=node-a1 status=200 "
              "reason=answered in=312 out=540 total_ms=30012.345 node_ms=0.007 "
              "session=00c0ffee12345678 rid=9007199254740991 repeats=1 tls=TLSv1.3 core=3");
    EXPECT_EQ(json_of(full_record()),
              R"({"time":"2023-11-14T22:13:20.042Z","client":"192.0.2.1","port":51234,)"
              R"("method":"POST","path":"/node-a1","node":"node-a1","status":200,)"
              R"("reason":"answered","in":312,"out":540,"total_ms":30012.345,"node_ms":0.007,)"
              R"("session":"00c0ffee12345678","rid":9007199254740991,"repeats":1,)"
              R"("tls":"TLSv1.3","core":3})");
}

TEST(access_format, prints_nothing_as_dash_or_null) {
    access_record record;
    record.time = at(0);
    record.method = "-";
    record.why = routing::reason::handshake_failed;
    EXPECT_EQ(text_of(record), "1970-01-01T00:00:00.000Z :: \"- \" node=- status=0 "
                               "reason=handshake_failed in=0 out=0 total_ms=0.000 node_ms=0.000 "
                               "session=- rid=- repeats=0 tls=- core=0");
    EXPECT_EQ(json_of(record),
              R"({"time":"1970-01-01T00:00:00.000Z","client":"::","port":0,"method":"-",)"
              R"("path":null,"node":null,"status":0,"reason":"handshake_failed","in":0,"out":0,)"
              R"("total_ms":0.000,"node_ms":0.000,"session":null,"rid":null,"repeats":0,)"
              R"("tls":null,"core":0})");
}

TEST(access_format, prints_addresses_so_that_the_port_can_be_told) {
    access_record record = full_record();
    record.client = *routing::ip_address::parse("2001:db8::1");
    EXPECT_THAT(text_of(record), HasSubstr(" [2001:db8::1]:51234 \""));
    record.client_port = 0;
    EXPECT_THAT(text_of(record), HasSubstr(" 2001:db8::1 \""));
    record.client = *routing::ip_address::parse("192.0.2.1");
    EXPECT_THAT(text_of(record), HasSubstr(" 192.0.2.1 \""));
}

TEST(access_format, prints_times) {
    const std::pair<std::int64_t, const char*> cases[] = {
        {951'782'400'000 - 1, "2000-02-28T23:59:59.999Z"},
        {951'782'400'000, "2000-02-29T00:00:00.000Z"},
        {4'102'444'799'999, "2099-12-31T23:59:59.999Z"},
    };
    for (const auto& [milliseconds, expected] : cases) {
        access_record record = full_record();
        record.time = at(milliseconds);
        EXPECT_THAT(text_of(record), StartsWith(expected));
    }
    access_record record = full_record();
    record.total = -1us;
    EXPECT_THAT(text_of(record), HasSubstr(" total_ms=0.000 "));
}

TEST(access_format, numbers_at_their_ends) {
    access_record record = full_record();
    record.rid = std::numeric_limits<std::uint64_t>::max();
    record.session = std::numeric_limits<std::uint64_t>::max();
    record.answer_bytes = std::numeric_limits<std::uint64_t>::max();
    record.status = -1;
    EXPECT_THAT(text_of(record), HasSubstr(" status=0 "));
    EXPECT_THAT(text_of(record), HasSubstr(" out=18446744073709551615 "));
    EXPECT_THAT(text_of(record), HasSubstr(" session=ffffffffffffffff rid=18446744073709551615 "));
}

TEST(access_format, nobody_forges_a_line_or_a_member) {
    // Every byte that there is, where a client or a configuration can put one.
    for (int value = 0; value < 256; ++value) {
        SCOPED_TRACE(value);
        const std::string byte(1, static_cast<char>(value));
        access_record record = full_record();
        record.method = byte;
        record.path = byte;
        record.node = byte;
        const bool plain = value >= 0x20 && value <= 0x7e && value != '"' && value != '\\';
        char hex[3];
        std::snprintf(hex, sizeof hex, "%02x", static_cast<unsigned>(value));
        const std::string in_text = plain ? byte : "\\x" + std::string(hex);
        const std::string in_json = plain ? byte : "\\u00" + std::string(hex);
        const std::string text = text_of(record);
        const std::string json = json_of(record);
        EXPECT_THAT(text, HasSubstr(" \"" + in_text + " " + in_text + "\" node=" + in_text + " "));
        EXPECT_THAT(json, HasSubstr("\"method\":\"" + in_json + "\",\"path\":\"" + in_json +
                                    "\",\"node\":\"" + in_json + "\""));
        for (const std::string& line : {text, json})
            EXPECT_TRUE(std::all_of(line.begin(), line.end(),
                                    [](char c) { return c >= 0x20 && c <= 0x7e; }));
    }
}

TEST(access_format, cuts_paths_and_methods) {
    for (const std::size_t extra : {0U, 1U}) {
        const std::string path(access_log::path_bytes + extra, 'p');
        const std::string method(32 + extra, 'M');
        access_record record = full_record();
        record.path = path;
        record.method = method;
        const std::string dots = extra == 0 ? "" : "...";
        const std::string method_shown = std::string(32, 'M') + dots;
        const std::string path_shown = std::string(access_log::path_bytes, 'p') + dots;
        EXPECT_THAT(text_of(record), HasSubstr("\"" + method_shown + " " + path_shown + "\""));
        EXPECT_THAT(json_of(record), HasSubstr("\"path\":\"" + path_shown + "\""));
    }
}

// --- the writer

std::vector<std::string> lines_of(const std::string& bytes) {
    std::vector<std::string> lines;
    std::size_t from = 0;
    for (auto end = bytes.find('\n'); end != std::string::npos; end = bytes.find('\n', from)) {
        lines.push_back(bytes.substr(from, end - from));
        from = end + 1;
    }
    EXPECT_EQ(from, bytes.size()) << "the last line is whole";
    return lines;
}

class writing : public testing::Test {
  protected:
    std::unique_ptr<access_log> open(conf::access_log kind, const std::string& name = "access.log",
                                     unsigned cores = 1) {
        conf::log settings;
        settings.access = kind;
        settings.access_file = name.starts_with('/') ? name : (directory.path() / name).string();
        return access_log::open(settings, cores, problem);
    }

    temp_directory directory;
    std::string problem;
};

TEST_F(writing, appends_what_is_waiting_when_it_ends) {
    directory.write("access.log", "old line\n");
    for (const auto kind : {conf::access_log::text, conf::access_log::json}) {
        auto log = open(kind);
        ASSERT_TRUE(log) << problem;
        EXPECT_TRUE(log->enabled());
        log->write(full_record());
        log.reset();
    }
    const auto lines = lines_of(directory.read("access.log"));
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0], "old line");
    EXPECT_EQ(lines[1], text_of(full_record()));
    EXPECT_EQ(lines[2], json_of(full_record()));
}

TEST_F(writing, writes_without_being_ended) {
    // A FIFO tells when the line has come, without looking at a clock.
    const std::string fifo = (directory.path() / "fifo").string();
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    const int reader = ::open(fifo.c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(reader, 0);
    auto log = open(conf::access_log::text, "fifo");
    ASSERT_TRUE(log) << problem;
    for (int i = 0; i < 3; ++i) {
        log->write(full_record());
        char bytes[1024];
        const ssize_t count = ::read(reader, bytes, sizeof bytes); // waits
        ASSERT_GT(count, 0);
        EXPECT_EQ(std::string(bytes, static_cast<std::size_t>(count)),
                  text_of(full_record()) + "\n");
    }
    ::close(reader);
}

TEST_F(writing, off_writes_nothing) {
    auto log = open(conf::access_log::off);
    ASSERT_TRUE(log) << problem;
    EXPECT_FALSE(log->enabled());
    log->write(full_record());
    log->reopen();
    log.reset();
    EXPECT_FALSE(std::filesystem::exists(directory.path() / "access.log"));
}

TEST_F(writing, says_why_it_cannot_open) {
    EXPECT_FALSE(open(conf::access_log::text, "none/access.log"));
    EXPECT_THAT(problem, HasSubstr("none/access.log: No such file or directory"));
}

TEST_F(writing, cores_write_at_the_same_time) {
    constexpr unsigned cores = 4;
    constexpr unsigned each = 3000;
    auto log = open(conf::access_log::text, "access.log", cores - 1); // two of them share a buffer
    ASSERT_TRUE(log) << problem;
    {
        std::vector<std::jthread> threads;
        for (unsigned core = 0; core < cores; ++core)
            threads.emplace_back([&, core] {
                access_record record = full_record();
                record.core = core;
                for (unsigned i = 1; i <= each; ++i) {
                    record.rid = i;
                    log->write(record);
                }
            });
        for (int i = 0; i < 20; ++i)
            log->reopen();
    }
    EXPECT_EQ(log->dropped(), 0U);
    log.reset();
    const auto lines = lines_of(directory.read("access.log"));
    EXPECT_EQ(lines.size(), cores * each);
    std::vector<unsigned> seen(cores, 0);
    for (const std::string& line : lines) {
        const unsigned core = static_cast<unsigned>(line.back() - '0');
        ASSERT_LT(core, cores) << line;
        EXPECT_THAT(line, HasSubstr(" rid=" + std::to_string(++seen[core]) + " ")) << "in order";
    }
}

TEST_F(writing, a_file_that_stalls_costs_lines_not_time) {
    const std::string fifo = (directory.path() / "fifo").string();
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    const int reader = ::open(fifo.c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(reader, 0);
    auto log = open(conf::access_log::text, "fifo");
    ASSERT_TRUE(log) << problem;
    // The writer holds one buffer at most, the core's own is the second, the pipe a little.
    const std::uint64_t line_bytes = text_of(full_record()).size() + 1;
    const std::uint64_t most = (2 * access_log::buffer_bytes + 1024 * 1024) / line_bytes;
    const std::uint64_t written = most + 1000;
    for (std::uint64_t i = 0; i < written; ++i)
        log->write(full_record());
    const std::uint64_t dropped = log->dropped();
    EXPECT_GE(dropped, 1000U);

    std::string taken;
    char bytes[64 * 1024];
    while (static_cast<std::uint64_t>(std::count(taken.begin(), taken.end(), '\n')) <
           written - dropped) {
        const ssize_t count = ::read(reader, bytes, sizeof bytes);
        ASSERT_GT(count, 0);
        taken.append(bytes, static_cast<std::size_t>(count));
    }
    EXPECT_EQ(lines_of(taken).size(), written - dropped);
    log.reset();
    ::close(reader);
}

TEST_F(writing, a_full_disk_drops_and_counts) {
    auto log = open(conf::access_log::text, "/dev/full");
    ASSERT_TRUE(log) << problem;
    for (int i = 0; i < 10; ++i)
        log->write(full_record());
    // Written or not is known when the writer has been there.
    while (log->dropped() < 10)
        std::this_thread::yield();
    EXPECT_EQ(log->dropped(), 10U);
}

TEST_F(writing, reopens_after_rotation) {
    auto log = open(conf::access_log::text);
    ASSERT_TRUE(log) << problem;
    access_record record = full_record();
    record.rid = 1;
    log->write(record);
    std::filesystem::rename(directory.path() / "access.log", directory.path() / "access.log.1");
    log->reopen();
    EXPECT_TRUE(std::filesystem::exists(directory.path() / "access.log"));
    record.rid = 2;
    log->write(record);
    log.reset();
    const std::string fresh = directory.read("access.log");
    EXPECT_THAT(fresh, HasSubstr(" rid=2 "));
    EXPECT_EQ(lines_of(directory.read("access.log.1") + fresh).size(), 2U)
        << "none lost or doubled";
}

TEST_F(writing, keeps_the_old_file_when_the_new_one_cannot_be_opened) {
    std::filesystem::create_directory(directory.path() / "logs");
    auto log = open(conf::access_log::text, "logs/access.log");
    ASSERT_TRUE(log) << problem;
    std::filesystem::rename(directory.path() / "logs", directory.path() / "moved");
    log->reopen();
    log->write(full_record());
    log.reset();
    EXPECT_EQ(lines_of(directory.read("moved/access.log")).size(), 1U);
}

TEST_F(writing, goes_over_to_another_file_format_or_silence) {
    auto log = open(conf::access_log::text);
    ASSERT_TRUE(log) << problem;
    const auto change = [&](conf::access_log kind, const std::string& name) {
        conf::log settings;
        settings.access = kind;
        settings.access_file = (directory.path() / name).string();
        if (!log->prepare(settings, problem))
            return false;
        log->commit();
        return true;
    };
    log->write(full_record());
    EXPECT_TRUE(change(conf::access_log::json, "second.log"));
    log->write(full_record());
    EXPECT_FALSE(change(conf::access_log::text, "nowhere/third.log"));
    EXPECT_THAT(problem, HasSubstr("nowhere/third.log"));
    log->write(full_record());
    EXPECT_TRUE(change(conf::access_log::off, "-"));
    EXPECT_FALSE(log->enabled());
    log->write(full_record());
    EXPECT_TRUE(change(conf::access_log::text, "access.log"));
    EXPECT_TRUE(log->enabled());
    log->write(full_record());
    log.reset();
    // Lines that wait when the file changes go to the one that is there when they are written.
    const auto first = lines_of(directory.read("access.log"));
    const auto second = lines_of(directory.read("second.log"));
    EXPECT_EQ(first.size() + second.size(), 4U) << "none lost, none while it was off";
    EXPECT_THAT(first.back(), HasSubstr(" rid="));
}

TEST_F(writing, begins_where_there_was_none) {
    auto log = open(conf::access_log::off);
    ASSERT_TRUE(log) << problem;
    log->write(full_record());
    conf::log settings;
    settings.access = conf::access_log::json;
    settings.access_file = (directory.path() / "late.log").string();
    ASSERT_TRUE(log->prepare(settings, problem)) << problem;
    log->write(full_record());
    log->commit();
    log->write(full_record());
    log.reset();
    EXPECT_EQ(lines_of(directory.read("late.log")).size(), 1U);
}

} // namespace
} // namespace boshgate::proxy
