#include "proxy/log_file.hpp"

#include "proxy/access_log.hpp"
#include "proxy/log.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include <sys/stat.h>

namespace boshgate::tests {
namespace {

namespace fs = std::filesystem;

class LogFile : public testing::Test {
  protected:
    ~LogFile() override { ::umask(before_); }

    temp_directory directory_;
    mode_t before_ = ::umask(0);
};

int mode_of(const fs::path& file) {
    return static_cast<int>(fs::status(file).permissions());
}

TEST_F(LogFile, BothLogsMakeTheSameFileAndNoDirectory) {
    conf::log settings;
    settings.file = (directory_.path() / "events.log").string();
    settings.access_file = (directory_.path() / "access.log").string();
    std::string problem;
    ASSERT_TRUE(proxy::log_open(settings, problem)) << problem;
    ASSERT_TRUE(proxy::access_log::open(settings, 1, problem)) << problem;
    EXPECT_EQ(mode_of(settings.file), 0640);
    EXPECT_EQ(mode_of(settings.access_file), 0640);
    proxy::log_info("a line");
    EXPECT_NE(directory_.read("events.log").find("info a line"), std::string::npos);

    conf::log missing = settings;
    missing.file = (directory_.path() / "none/events.log").string();
    missing.access_file = (directory_.path() / "none/access.log").string();
    EXPECT_FALSE(proxy::log_open(missing, problem));
    EXPECT_NE(problem.find("none/events.log: No such file"), std::string::npos) << problem;
    EXPECT_FALSE(proxy::access_log::open(missing, 1, problem));
    EXPECT_NE(problem.find("none/access.log: No such file"), std::string::npos) << problem;
    EXPECT_FALSE(fs::exists(directory_.path() / "none"));

    ASSERT_TRUE(proxy::log_open({}, problem)) << "the other tests log to standard error again";
}

TEST_F(LogFile, AnExistingFileIsAppendedToAndKeepsItsMode) {
    conf::log settings;
    settings.file = directory_.write("events.log", "before\n");
    fs::permissions(settings.file, fs::perms{0600});
    std::string problem;
    ASSERT_TRUE(proxy::log_open(settings, problem)) << problem;
    proxy::log_info("after");
    EXPECT_EQ(directory_.read("events.log").rfind("before\n", 0), 0U);
    EXPECT_NE(directory_.read("events.log").find("after"), std::string::npos);
    EXPECT_EQ(mode_of(settings.file), 0600);
    ASSERT_TRUE(proxy::log_open({}, problem));
}

TEST_F(LogFile, ProblemsAreFoundWithoutMakingAnything) {
    const std::string at = directory_.path().string();
    directory_.write("plain", "");
    const std::pair<std::string, std::string> cases[] = {
        {"-", ""},
        {at + "/new.log", ""},
        {at + "/plain", ""},
        {at, at + ": is a directory; a file in it is wanted"},
        {at + "/none/x.log", at + "/none: No such file or directory; make the directory, writable "
                                  "for the user that runs boshgate"},
        {at + "/plain/x.log", at + "/plain/x.log: Not a directory"},
    };
    for (const auto& [file, expected] : cases) {
        EXPECT_EQ(proxy::log_file_problem(file), expected) << file;
    }
    EXPECT_FALSE(fs::exists(at + "/new.log"));
    EXPECT_FALSE(fs::exists(at + "/none"));
}

} // namespace
} // namespace boshgate::tests
