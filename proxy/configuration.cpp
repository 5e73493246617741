#include "proxy/configuration.hpp"

#include "conf/load.hpp"
#include "proxy/named_files.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

namespace boshgate::proxy {
namespace {

constexpr std::size_t file_bytes_max = 16 * 1024 * 1024;

} // namespace

bool read_file(const std::string& file, std::string& text, std::string& problem) {
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        problem = std::string("cannot be opened: ") + std::strerror(errno);
        return false;
    }
    text.clear();
    std::string piece(64 * 1024, '\0');
    while (in) {
        in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        text.append(piece, 0, static_cast<std::size_t>(in.gcount()));
        if (text.size() > file_bytes_max) {
            problem = "larger than 16 MiB, which no configuration is";
            return false;
        }
    }
    if (in.bad()) {
        problem = std::string("cannot be read: ") + std::strerror(errno);
        return false;
    }
    return true;
}

loaded_configuration load_configuration(const std::string& file, const predecessor& before) {
    loaded_configuration result;
    std::string text;
    std::string problem;
    if (!read_file(file, text, problem)) {
        result.problems.push_back({file, 0, 0, {}, problem, {}, {}});
        return result;
    }
    conf::loaded loaded = conf::load(text, file);
    conf::findings found{loaded.marks, file};
    if (!conf::has_errors(loaded.problems)) {
        result.compiled = compile(std::move(loaded.config), found, before);
    } else if (loaded.problems.size() <= conf::problems_max) {
        // Not to be used, but one run says all that is wrong.
        find_route_conflicts(loaded.config, found);
        static_cast<void>(open_named_files(loaded.config, found));
    }
    result.problems = loaded.problems;
    for (conf::problem& one : found.take()) {
        if (!conf::is_echo(one.path, loaded.problems)) {
            result.problems.push_back(std::move(one));
        }
    }
    if (loaded.problems.size() <= conf::problems_max) {
        conf::put_in_order(result.problems, file);
    }
    return result;
}

} // namespace boshgate::proxy
