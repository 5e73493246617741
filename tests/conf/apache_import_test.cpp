#include "conf/apache_import.hpp"

#include "conf/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

namespace boshgate::conf {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string read_file(const fs::path& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

std::string all_of(const std::vector<apache_note>& notes) {
    std::string text;
    for (const apache_note& n : notes) {
        text += to_string(n) + '\n';
    }
    return text;
}

std::string errors_of(const std::string& yaml) {
    std::string text;
    for (const problem& p : load(yaml, "yaml").problems) {
        text += p.level == severity::error ? to_string(p) + '\n' : "";
    }
    return text;
}

// apache/NAME.conf must become NAME.yaml (none: nothing to import) with the notes NAME.notes.
TEST(apache_import, makes_of_each_file_what_stands_beside_it) {
    int cases = 0;
    for (const auto& entry : fs::directory_iterator{fs::path{BOSHGATE_TEST_DIR} / "apache"}) {
        fs::path path = entry.path();
        if (path.extension() != ".conf") {
            continue;
        }
        const std::string name = path.filename().string();
        const auto imported = import_apache(read_file(path), name);
        EXPECT_EQ(all_of(imported.notes), read_file(path.replace_extension(".notes"))) << name;
        EXPECT_EQ(imported.yaml, read_file(path.replace_extension(".yaml"))) << name;
        if (!imported.yaml.empty()) {
            EXPECT_EQ(errors_of(imported.yaml), "") << name;
        }
        ++cases;
    }
    EXPECT_GE(cases, 16);
}

// Directives that are carried over or change the reading, wherever they stand, say nothing; for
// every other line there is a note or a section's note around it.
TEST(apache_import, accounts_for_every_line) {
    static const std::set<std::string> taken{"define",
                                             "undefine",
                                             "listen",
                                             "servername",
                                             "serverroot",
                                             "documentroot",
                                             "directoryindex",
                                             "fallbackresource",
                                             "limitrequestbody",
                                             "remoteipinternalproxy",
                                             "remoteiptrustedproxy",
                                             "remoteipproxyprotocol",
                                             "proxypass",
                                             "proxyset",
                                             "proxytimeout",
                                             "timeout",
                                             "proxypreservehost",
                                             "rewriterule",
                                             "sslengine",
                                             "sslcertificatefile",
                                             "sslcertificatekeyfile",
                                             "sslprotocol",
                                             "sslproxyengine",
                                             "sslproxyverify",
                                             "sslproxycacertificatefile",
                                             "sslproxycheckpeername",
                                             "sslproxyprotocol",
                                             "header"};
    for (const auto& entry : fs::directory_iterator{fs::path{BOSHGATE_TEST_DIR} / "apache"}) {
        if (entry.path().extension() != ".conf") {
            continue;
        }
        const std::string text = read_file(entry.path());
        const auto notes = import_apache(text, "f").notes;
        std::istringstream in{text};
        std::string line;
        bool continued = false;
        for (int number = 1; std::getline(in, line); ++number) {
            std::istringstream words{line};
            std::string word;
            words >> word;
            std::transform(word.begin(), word.end(), word.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            const bool quiet = word.empty() || word[0] == '#' || word[0] == '<' || continued ||
                               taken.contains(word);
            continued = line.ends_with('\\');
            const bool noted = std::any_of(notes.begin(), notes.end(), [&](const apache_note& n) {
                return n.line <= number && number <= n.last_line;
            });
            EXPECT_TRUE(quiet || noted) << entry.path().filename() << ':' << number << ": " << line;
        }
    }
}

// The directives of the modules that Debian 12 ships, as "apache2 -L" lists them.
TEST(apache_import, knows_every_directive_of_apache) {
    std::istringstream in{read_file(fs::path{BOSHGATE_TEST_DIR} / "apache" / "directives.txt")};
    int count = 0;
    for (std::string name; std::getline(in, name); ++count) {
        const auto notes = all_of(import_apache(name + " x y z\n", "f").notes);
        EXPECT_EQ(notes.find("not known here"), std::string::npos) << name << ": " << notes;
    }
    EXPECT_GT(count, 600);
    EXPECT_THAT(all_of(import_apache("ProxyPas /a http://a/\n", "f").notes),
                HasSubstr("not known here"));
}

config imported_config(std::string_view text) {
    const auto imported = import_apache(text, "f");
    EXPECT_EQ(errors_of(imported.yaml), "") << text;
    return load(imported.yaml, "yaml").config;
}

TEST(apache_import, takes_the_lines_of_the_guides) {
    const config one = imported_config(
        "ProxyPass /httpbinding http://bosh:7335/httpbinding keepalive=On disablereuse=Off\n");
    ASSERT_EQ(one.nodes.size(), 1U);
    EXPECT_EQ(one.nodes[0].url, (http_url{false, "bosh", 7335, "/httpbinding"}));
    EXPECT_EQ(one.routes.at("/httpbinding"), one.nodes[0].name);

    const config two =
        imported_config("SSLProxyEngine on\n"
                        "ProxyPass /node-a1 https://node-a1.example.com:7335/httpbinding\n");
    ASSERT_EQ(two.nodes.size(), 1U);
    EXPECT_EQ(two.nodes[0].name, "node-a1");
    EXPECT_EQ(two.nodes[0].url, (http_url{true, "node-a1.example.com", 7335, "/httpbinding"}));
    EXPECT_THAT(two.routes, IsEmpty());
}

TEST(apache_import, reads_included_files_in_order) {
    const std::map<std::string, std::vector<included_file>> files{
        {"/etc/httpd/conf.d/*.conf",
         {{"a.conf", "Define port 7335\nProxyPass /a http://a.example:${port}/x\n"},
          {"b.conf", "Include deeper.conf\nUnknown b\n"}}},
        {"/etc/httpd/deeper.conf", {{"deeper.conf", "ProxyPass /b http://b.example:${port}/x\n"}}},
    };
    std::vector<std::string> asked;
    const auto imported = import_apache("ServerRoot /etc/httpd\n"
                                        "<VirtualHost *:80>\n"
                                        "Include conf.d/*.conf\n"
                                        "</VirtualHost>\n"
                                        "Include missing.conf\n"
                                        "IncludeOptional /none/*.conf\n"
                                        "Include\n",
                                        "main.conf", [&](const std::string& pattern) {
                                            asked.push_back(pattern);
                                            const auto found = files.find(pattern);
                                            return found == files.end()
                                                       ? std::vector<included_file>{}
                                                       : found->second;
                                        });
    EXPECT_THAT(asked, ElementsAre("/etc/httpd/conf.d/*.conf", "/etc/httpd/deeper.conf",
                                   "/etc/httpd/missing.conf", "/none/*.conf"));
    EXPECT_EQ(all_of(imported.notes),
              "b.conf:2: not carried over: Unknown b: this directive is not known here\n"
              "main.conf:5: not carried over: Include missing.conf: the file could not be read\n"
              "main.conf:6: not needed (absent): IncludeOptional /none/*.conf\n"
              "main.conf:7: not carried over: Include: there is no file name\n");
    const config c = load(imported.yaml, "yaml").config;
    ASSERT_EQ(c.nodes.size(), 2U);
    EXPECT_EQ(c.nodes[1].url.port, 7335);
}

TEST(apache_import, bounds_includes) {
    int reads = 0;
    const auto loop = import_apache("Include self.conf\n", "self.conf", [&](const std::string&) {
        ++reads;
        return std::vector<included_file>{{"self.conf", "Include self.conf\n"}};
    });
    EXPECT_EQ(reads, apache_include_depth_max);
    EXPECT_THAT(all_of(loop.notes), HasSubstr("files include each other deeper than 8"));

    const std::string pass = "ProxyPass /a http://a.example/x\n";
    const auto padded = [&](std::size_t bytes) {
        return pass + std::string(bytes - pass.size(), '\n');
    };
    EXPECT_FALSE(import_apache(padded(apache_bytes_max), "f").yaml.empty());
    const auto large = import_apache(padded(apache_bytes_max + 1), "f");
    EXPECT_TRUE(large.yaml.empty());
    EXPECT_THAT(all_of(large.notes), HasSubstr("larger than 4194304 bytes together"));
}

TEST(apache_import, stops_at_files_that_are_no_text) {
    const std::string_view binary{"Listen 80\nProxyPass /a http://a.example/x\n\0", 44};
    const auto main = import_apache(binary, "f");
    EXPECT_EQ(main.yaml, "");
    EXPECT_EQ(all_of(main.notes),
              "f:3: not carried over: the file as a whole: it is not a text file, there is a NUL "
              "byte in this line; if it is UTF-16, save it as UTF-8\n");
    // An included one is left out, the rest is read.
    const auto around =
        import_apache("Include x\nProxyPass /b http://b.example/x\n", "f", [&](const std::string&) {
            return std::vector<included_file>{{"x", std::string{binary}}};
        });
    EXPECT_THAT(around.yaml, HasSubstr("b.example"));
    EXPECT_EQ(around.yaml.find("a.example"), std::string::npos);
    EXPECT_THAT(all_of(around.notes), HasSubstr("x:3: not carried over: the file as a whole"));

    EXPECT_EQ(imported_config("\xef\xbb\xbfProxyPass /a http://a.example/x\n").nodes.size(), 1U);
}

TEST(apache_import, lists_a_bounded_number_of_lines) {
    const auto notes = [](std::size_t count) {
        std::string text = "ProxyPass /a http://a.example/x\n";
        for (std::size_t i = 0; i < count; ++i) {
            text += "Nonsense" + std::to_string(i) + '\n';
        }
        return import_apache(text, "f").notes;
    };
    EXPECT_EQ(notes(apache_notes_max).size(), apache_notes_max);
    const auto more = notes(apache_notes_max + 1);
    ASSERT_EQ(more.size(), apache_notes_max + 1);
    EXPECT_EQ(to_string(more.back()), "f:1: not carried over: the file as a whole: 1 more lines, "
                                      "which are not listed");
}

TEST(apache_import, writes_nothing_that_would_not_load) {
    // File names that are not UTF-8, and everything that could end a line of YAML.
    const auto imported = import_apache("Listen 443\nSSLEngine on\n"
                                        "DocumentRoot \"/srv/caf\xe9\"\n"
                                        "SSLCertificateFile \"/etc/\x01.pem\"\n"
                                        "DirectoryIndex \"a: b.html\" \"#c.html\"\n"
                                        "Header set X-A \"a: b # c \\\" d\"\n"
                                        "ProxyPass /null http://null.example/x\n",
                                        "f");
    EXPECT_EQ(errors_of(imported.yaml), "") << imported.yaml;
    const config c = load(imported.yaml, "yaml").config;
    ASSERT_EQ(c.nodes.size(), 1U);
    EXPECT_EQ(c.nodes[0].name, "null");
    EXPECT_FALSE(c.web_root);
    EXPECT_THAT(all_of(imported.notes), HasSubstr("the file name is not UTF-8"));
}

TEST(apache_import, keeps_more_nodes_than_an_installation_has) {
    std::string text;
    for (int i = 0; i < 2000; ++i) {
        const std::string name = "node-" + std::to_string(i);
        text += "ProxyPass /" + name + " http://" + name + ".example.com:7335/httpbinding\n";
    }
    EXPECT_EQ(imported_config(text).nodes.size(), 2000U);
}

} // namespace
} // namespace boshgate::conf
