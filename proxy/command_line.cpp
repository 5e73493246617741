#include "proxy/command_line.hpp"

#include "proxy/app.hpp"
#include "proxy/configuration.hpp"

#include <string_view>

namespace boshgate::proxy {
namespace {

constexpr std::string_view usage =
    R"(boshgate - a reverse proxy that understands XMPP over BOSH

  boshgate serve -c FILE           run the proxy; SIGTERM drains and ends it
  boshgate check -c FILE           say all that is wrong with a configuration
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
    return usage_error(err, "there is no command '" + command + "'");
}

} // namespace boshgate::proxy
