#include "proxy/secrets_file.hpp"

#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include <sys/stat.h>

namespace boshgate::tests {
namespace {

const std::string digits = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

struct outcome {
    std::vector<conf::secret> secrets;
    std::string problems;
};

outcome read(const std::string& file) {
    const conf::source_marks marks;
    conf::findings out{marks, "f"};
    outcome got;
    got.secrets = proxy::read_secrets_file(file, "discovery.keys_file", out);
    for (const conf::problem& one : out.take()) {
        got.problems += conf::to_string(one) + "\n";
    }
    return got;
}

TEST(SecretsFile, IsReadWhateverItsModeAndAWideOneIsAWarning) {
    const temp_directory directory;
    const std::string file = directory.write("keys", "# of 2026\n" + digits + "\n");
    const struct {
        mode_t mode;
        const char* shown; // nullptr: no warning
    } rows[] = {
        {0600, nullptr}, {0400, nullptr}, {0640, nullptr}, {0440, nullptr},
        {0700, nullptr}, {0644, "0644"},  {0604, "0604"},  {0660, "0660"},
        {0620, "0620"},  {0601, "0601"},  {0750, "0750"},
    };
    for (const auto& row : rows) {
        ASSERT_EQ(::chmod(file.c_str(), row.mode), 0);
        const outcome got = read(file);
        ASSERT_EQ(got.secrets.size(), 1U) << row.mode;
        EXPECT_EQ(got.secrets[0][31], 0x1f);
        EXPECT_EQ(got.problems, row.shown == nullptr
                                    ? ""
                                    : "f: warning: discovery.keys_file: " + file + ": mode " +
                                          row.shown +
                                          " lets others at the secrets, expected mode 0600 or "
                                          "0640\n");
    }
}

TEST(SecretsFile, MustBeAFileWithSecrets) {
    const temp_directory directory;
    const std::string at = directory.path().string();
    const std::string link = at + "/link";
    std::filesystem::create_symlink(directory.write("good", digits), link);
    ASSERT_EQ(::chmod((at + "/good").c_str(), 0600), 0);
    EXPECT_EQ(read(link).problems, "") << "as container secrets are mounted";
    EXPECT_EQ(read(link).secrets.size(), 1U);

    const std::string pipe = at + "/pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    const struct {
        std::string file, expected;
    } rows[] = {
        {at + "/none", "No such file or directory"},
        {at + "/good/x", "Not a directory"},
        {at, "is no regular file, expected a file with a secret on each line"},
        {pipe, "is no regular file, expected a file with a secret on each line"},
        {"/dev/zero", "is no regular file, expected a file with a secret on each line"},
        {directory.write("empty", ""), "there is no secret in it, expected 64 hexadecimal digits, "
                                       "as 'openssl rand -hex 32' writes"},
    };
    for (const auto& row : rows) {
        if (std::filesystem::is_regular_file(row.file)) {
            ASSERT_EQ(::chmod(row.file.c_str(), 0600), 0);
        }
        const outcome got = read(row.file);
        EXPECT_TRUE(got.secrets.empty()) << row.file;
        EXPECT_EQ(got.problems, "f: discovery.keys_file: " + row.file + ": " + row.expected + "\n");
    }
}

TEST(SecretsFile, IsNotUsedInPart) {
    const temp_directory directory;
    const std::string file = directory.write("keys", digits + "\nabc\n");
    ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
    const outcome got = read(file);
    EXPECT_TRUE(got.secrets.empty());
    EXPECT_NE(got.problems.find(": line 2 is no secret of 32 bytes"), std::string::npos);
}

TEST(SecretsFile, HasABound) {
    const temp_directory directory;
    const auto padded = [&](std::size_t bytes) {
        const std::string file =
            directory.write("keys", digits + "\n#" + std::string(bytes - digits.size() - 2, 'x'));
        ::chmod(file.c_str(), 0600);
        return read(file);
    };
    EXPECT_EQ(padded(conf::secrets_file_bytes_max).problems, "");
    EXPECT_NE(padded(conf::secrets_file_bytes_max + 1).problems.find("is larger than 65536 bytes"),
              std::string::npos);
}

TEST(SecretsFile, TheProcessHasASecretOfItsOwn) {
    const conf::secret first = proxy::secret_of_process();
    EXPECT_EQ(first, proxy::secret_of_process());
    EXPECT_NE(first, conf::secret{});
}

} // namespace
} // namespace boshgate::tests
