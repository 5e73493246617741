#include "proxy/command_line.hpp"

#include "conf/apache_import.hpp"
#include "conf/suggest.hpp"
#include "proxy/app.hpp"
#include "proxy/configuration.hpp"
#include "proxy/discover.hpp"
#include "proxy/doctor.hpp"
#include "proxy/nodes_command.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <span>
#include <string_view>
#include <utility>

#include <glob.h>
#include <unistd.h>

namespace boshgate::proxy {
namespace {

constexpr std::string_view usage =
    R"(boshgate - a reverse proxy that understands XMPP over BOSH

  boshgate serve -c FILE           run the proxy; SIGTERM drains and ends it
  boshgate check -c FILE           say all that is wrong with a configuration
  boshgate discover -c FILE JID    find a user's home and backup node, and show each step of the way;
                                   --json for programs
  boshgate doctor -c FILE          try every node, and this machine: names, ports, TLS, BOSH, clocks,
                                   limits; show what is wrong, and the lines that mend it.
                                   --node NAME: that one alone; --domain DOMAIN: of the users;
                                   --json for programs
  boshgate nodes -c FILE           show the nodes of the process that runs with it: state, why, since
                                   when, sessions; --json for programs
  boshgate nodes -c FILE drain|disable|enable NAME
                                   drain: no new sessions, what is there ends in its time;
                                   disable: what is there ends too; enable: the end of either
  boshgate import-apache FILE      turn ProxyPass lines into a configuration (standard output);
                                   what was not carried over is listed on standard error
  boshgate --version
  boshgate --help

  -c FILE, --config FILE, --config=FILE   the configuration

Exit status: 0 in order, 1 something is wrong, 2 the command is not understood.
discover: 0 the user's nodes are known and one of them opens a session, else 1.
doctor: 1 when anything is wrong, 0 with warnings only.
The configuration: boshgate.yaml (every key, commented) and MANUAL.md.
)";

constexpr std::array<std::string_view, 9> commands{"serve",     "check",  "discover",
                                                   "doctor",    "nodes",  "import-apache",
                                                   "--version", "--help", "help"};
// The first four are of all commands with a configuration, the fifth of `discover` and `doctor`,
// the rest of `doctor`.
constexpr std::array<std::string_view, 7> options{"-c",     "--config", "-h",      "--help",
                                                  "--json", "--node",   "--domain"};

int usage_error(std::ostream& err, const std::string& what) {
    err << "boshgate: " << what << "\n\n" << usage;
    return 2;
}

std::string did_you_mean(std::string_view hint) {
    return hint.empty() ? "" : ", did you mean " + std::string{hint} + "?";
}

bool is_help(std::string_view word) {
    return word == "--help" || word == "-h";
}

// The words behind `serve`, `check`, `discover` and `doctor`: the FILE in one of its four
// spellings, what only the last two take, or what is wrong.
struct config_option {
    std::string file;
    std::string jid;
    std::string node;
    std::string domain;
    bool json = false;
    std::string problem; // empty: none
};

config_option read_config_option(const std::vector<std::string>& words) {
    constexpr std::string_view with_value = "--config=";
    const bool discovers = words[0] == "discover";
    const bool examines = words[0] == "doctor";
    const std::span<const std::string_view> known = std::span(options).first(examines    ? 7
                                                                             : discovers ? 5
                                                                                         : 4);
    config_option read;
    for (std::size_t i = 1; i < words.size(); ++i) {
        const std::string& word = words[i];
        std::string file;
        if (word == "-c" || word == "--config") {
            file = i + 1 < words.size() ? words[++i] : "";
        } else if (word.starts_with(with_value)) {
            file = word.substr(with_value.size());
        } else if (word.starts_with("-c") && word != "-config" && !word.starts_with("-config=")) {
            file = word.substr(2);
        } else if ((discovers || examines) && word == "--json") {
            read.json = true;
            continue;
        } else if (examines && (word == "--node" || word == "--domain")) {
            std::string& value = word == "--node" ? read.node : read.domain;
            if (i + 1 == words.size() || words[i + 1].empty() || !value.empty()) {
                read.problem = value.empty()
                                   ? word + " needs a " + (word == "--node" ? "NAME" : "DOMAIN")
                                   : "one " + word + " is enough";
                return read;
            }
            value = words[++i];
            continue;
        } else if (discovers && !word.starts_with('-') && !word.empty() && read.jid.empty()) {
            read.jid = word;
            continue;
        } else if (word.starts_with('-')) {
            read.problem = "unknown option " + conf::in_quotes(word) +
                           did_you_mean(conf::closest(word.substr(0, word.find('=')), known));
            return read;
        } else {
            read.problem = conf::in_quotes(word) + " is not expected" +
                           (discovers ? "" : did_you_mean("-c " + word));
            return read;
        }
        if (file.empty() || !read.file.empty()) {
            read.problem = file.empty() ? word + " needs a FILE" : "one FILE is enough";
            return read;
        }
        read.file = file;
    }
    if (read.file.empty()) {
        read.problem = words[0] + " needs -c FILE";
    } else if (discovers && read.jid.empty()) {
        read.problem = "discover needs a JID, such as alice@example.com";
    }
    return read;
}

std::string counted(std::size_t count, const std::string& noun) {
    return std::to_string(count) + ' ' + noun + (count == 1 ? "" : "s");
}

int check(const std::string& file, std::ostream& out, std::ostream& err) {
    const loaded_configuration loaded = load_configuration(file);
    for (const conf::problem& one : loaded.problems) {
        err << conf::to_string(one) << '\n';
    }
    if (!loaded.compiled) {
        return 1;
    }
    out << file << ": in order: " << counted(loaded.compiled->config.listen.size(), "listener")
        << ", " << counted(loaded.compiled->nodes.size(), "node") << '\n';
    return 0;
}

// Files that Include names: relative to the folder of the imported file, unless absolute; in the
// order in which Apache reads them.
std::vector<conf::included_file> read_includes(const std::filesystem::path& base,
                                               const std::string& pattern) {
    const std::filesystem::path path(pattern);
    const std::string full = (path.is_absolute() ? path : base / path).string();
    std::vector<conf::included_file> files;
    std::size_t bytes = 0;
    glob_t found{};
    if (::glob(full.c_str(), GLOB_MARK, nullptr, &found) == 0) {
        for (std::size_t i = 0; i < found.gl_pathc; ++i) {
            conf::included_file one;
            one.origin = found.gl_pathv[i];
            std::string problem;
            std::error_code ignored;
            // Not pipes and devices, which may never end. The first file beyond the bound of an
            // import is still handed over: the import notes it.
            if (bytes <= conf::apache_bytes_max &&
                std::filesystem::is_regular_file(one.origin, ignored) &&
                read_file(one.origin, one.text, problem)) {
                bytes += one.text.size();
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
        err << "boshgate: " << file << ": " << problem << '\n';
        return 1;
    }
    const std::filesystem::path base = std::filesystem::absolute(file).parent_path();
    const conf::apache_import imported = conf::import_apache(
        text, file, [&base](const std::string& pattern) { return read_includes(base, pattern); });
    out << imported.yaml;
    for (const conf::apache_note& note : imported.notes) {
        err << conf::to_string(note) << '\n';
    }
    return imported.yaml.empty() ? 1 : 0;
}

int run_nodes(const std::vector<std::string>& words, std::ostream& out, std::ostream& err) {
    static constexpr std::array<std::string_view, 3> wishes{"drain", "disable", "enable"};
    std::vector<std::string> for_file{words[0]};
    std::vector<std::string> order;
    bool json = false;
    for (std::size_t i = 1; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (word == "--json") {
            json = true;
        } else if (word.starts_with('-')) {
            for_file.push_back(word);
            if ((word == "-c" || word == "--config") && i + 1 < words.size()) {
                for_file.push_back(words[++i]);
            }
        } else {
            order.push_back(word);
        }
    }
    const config_option option = read_config_option(for_file);
    if (!option.problem.empty()) {
        return usage_error(err, option.problem);
    }
    if (order.empty()) {
        return nodes(option.file, {}, json, out, err);
    }
    if (std::find(wishes.begin(), wishes.end(), order[0]) == wishes.end()) {
        return usage_error(err, conf::in_quotes(order[0]) + " is nothing that nodes can do" +
                                    did_you_mean(conf::closest(order[0], wishes)));
    }
    if (order.size() != 2 || order[1].empty()) {
        return usage_error(err, order[0] + " needs the NAME of one node");
    }
    return nodes(option.file, {order[0], order[1]}, json, out, err);
}

} // namespace

int run_command(const std::vector<std::string>& words, std::ostream& out, std::ostream& err) {
    if (words.empty()) {
        return usage_error(err, "a command is missing");
    }
    const std::string& command = words[0];
    const bool known = std::find(commands.begin(), commands.end(), command) != commands.end();
    if (command == "help" || is_help(command) ||
        (known && std::any_of(words.begin() + 1, words.end(), is_help))) {
        out << usage;
        return 0;
    }
    if (command == "--version" || command == "-V") {
        out << "boshgate " << BOSHGATE_VERSION << '\n';
        return 0;
    }
    if (command == "serve" || command == "check" || command == "discover" || command == "doctor") {
        const config_option option = read_config_option(words);
        if (!option.problem.empty()) {
            return usage_error(err, option.problem);
        }
        if (command == "discover") {
            return discover(option.file, option.jid, option.json, out, err);
        }
        if (command == "doctor") {
            const bool on_terminal = &out == &std::cout && ::isatty(STDOUT_FILENO) == 1;
            return doctor({.config_file = option.file,
                           .node = option.node,
                           .domain = option.domain,
                           .json = option.json,
                           .colours = on_terminal && std::getenv("NO_COLOR") == nullptr,
                           .progress = &err == &std::cerr && ::isatty(STDERR_FILENO) == 1},
                          out, err);
        }
        return command == "serve" ? serve(option.file) : check(option.file, out, err);
    }
    if (command == "nodes") {
        return run_nodes(words, out, err);
    }
    if (command == "import-apache") {
        if (words.size() != 2 || words[1].empty()) {
            return usage_error(err, "import-apache needs one FILE");
        }
        if (words[1].starts_with('-')) {
            return usage_error(err, "unknown option " + conf::in_quotes(words[1]) +
                                        "; import-apache needs one FILE");
        }
        return import_apache(words[1], out, err);
    }
    const std::string_view kind = command.starts_with('-') ? "option " : "command ";
    return usage_error(err, "unknown " + std::string{kind} + conf::in_quotes(command) +
                                did_you_mean(conf::closest(command, commands)));
}

} // namespace boshgate::proxy
