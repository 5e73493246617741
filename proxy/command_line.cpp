#include "proxy/command_line.hpp"

#include "conf/apache_import.hpp"
#include "proxy/app.hpp"
#include "proxy/configuration.hpp"

#include <filesystem>
#include <string_view>
#include <utility>

#include <glob.h>

namespace boshgate::proxy {
namespace {

constexpr std::string_view usage =
    R"(boshgate - a reverse proxy that understands XMPP over BOSH

  boshgate serve -c FILE           run the proxy; SIGTERM drains and ends it
  boshgate check -c FILE           say all that is wrong with a configuration
  boshgate import-apache FILE      turn ProxyPass lines into a configuration (standard output);
                                   what was not carried over is listed on standard error
  boshgate --version
  boshgate --help

The configuration: boshgate.yaml (every key, commented) and MANUAL.md.
)";

int usage_error(std::ostream& err, std::string_view what) {
    err << "boshgate: " << what << "\n\n" << usage;
    return 2;
}

// The FILE of `-c FILE`, `-cFILE` or `--config FILE`; empty when the words are
// others.
std::string config_file(const std::vector<std::string>& words) {
    if (words.size() == 3 && (words[1] == "-c" || words[1] == "--config")) {
        return words[2];
    }
    if (words.size() == 2 && words[1].starts_with("-c") && words[1].size() > 2) {
        return words[1].substr(2);
    }
    return {};
}

int check(const std::string& file, std::ostream& out, std::ostream& err) {
    const loaded_configuration loaded = load_configuration(file);
    for (const std::string& line : loaded.messages) {
        err << line << '\n';
    }
    if (!loaded.compiled) {
        return 1;
    }
    out << file << ": in order: " << loaded.compiled->config.listen.size() << " listeners, "
        << loaded.compiled->nodes.size() << " nodes\n";
    return 0;
}

// Files that Include names: relative to the folder of the imported file, unless absolute; in the
// order in which Apache reads them.
std::vector<conf::included_file> read_includes(const std::filesystem::path& base,
                                               const std::string& pattern) {
    const std::filesystem::path path(pattern);
    const std::string full = (path.is_absolute() ? path : base / path).string();
    std::vector<conf::included_file> files;
    glob_t found{};
    if (::glob(full.c_str(), GLOB_MARK, nullptr, &found) == 0) {
        for (std::size_t i = 0; i < found.gl_pathc; ++i) {
            conf::included_file one;
            one.origin = found.gl_pathv[i];
            std::string problem;
            if (!one.origin.ends_with('/') && read_file(one.origin, one.text, problem)) {
                files.push_back(std::move(one));
            }
        }
    }
    ::globfree(&found);
    return files;
}

int import_apache(const std::string& file, std::ostream& out, std::ostream& err) {
    std::string text;
    std::string problem;
    if (!read_file(file, text, problem)) {
        err << "boshgate: " << problem << '\n';
        return 1;
    }
    const std::filesystem::path base = std::filesystem::absolute(file).parent_path();
    const conf::apache_import imported = conf::import_apache(
        text, file, [&base](const std::string& pattern) { return read_includes(base, pattern); });
    out << imported.yaml;
    for (const conf::apache_note& note : imported.notes) {
        err << conf::to_string(note) << '\n';
    }
    if (imported.yaml.empty()) {
        err << "boshgate: " << file
            << ": nothing to import: no ProxyPass that can be carried over\n";
        return 1;
    }
    return 0;
}

} // namespace

int run_command(const std::vector<std::string>& words, std::ostream& out, std::ostream& err) {
    if (words.empty()) {
        return usage_error(err, "a command is missing");
    }
    const std::string& command = words[0];
    if (command == "--help" || command == "-h" || command == "help") {
        out << usage;
        return 0;
    }
    if (command == "--version" || command == "-V") {
        out << "boshgate " << BOSHGATE_VERSION << '\n';
        return 0;
    }
    if (command == "serve" || command == "check") {
        const std::string file = config_file(words);
        if (file.empty()) {
            return usage_error(err, command + " needs -c FILE");
        }
        return command == "serve" ? serve(file) : check(file, out, err);
    }
    if (command == "import-apache") {
        if (words.size() != 2) {
            return usage_error(err, "import-apache needs one FILE");
        }
        return import_apache(words[1], out, err);
    }
    return usage_error(err, "there is no command '" + command + "'");
}

} // namespace boshgate::proxy
