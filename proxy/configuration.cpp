#include "proxy/configuration.hpp"

#include "conf/load.hpp"

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
        problem = file + ": cannot be opened: " + std::strerror(errno);
        return false;
    }
    text.clear();
    std::string piece(64 * 1024, '\0');
    while (in) {
        in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        text.append(piece, 0, static_cast<std::size_t>(in.gcount()));
        if (text.size() > file_bytes_max) {
            problem = file + ": larger than 16 MiB, which no configuration is";
            return false;
        }
    }
    if (in.bad()) {
        problem = file + ": cannot be read: " + std::strerror(errno);
        return false;
    }
    return true;
}

loaded_configuration load_configuration(const std::string& file) {
    loaded_configuration result;
    std::string text;
    std::string problem;
    if (!read_file(file, text, problem)) {
        result.messages.push_back(problem);
        return result;
    }
    conf::loaded loaded = conf::load(text, file);
    for (const conf::problem& one : loaded.problems) {
        result.messages.push_back(conf::to_string(one));
    }
    if (conf::has_errors(loaded.problems)) {
        return result;
    }
    std::vector<std::string> problems;
    std::vector<std::string> warnings;
    result.compiled = compile(std::move(loaded.config), problems, warnings);
    for (const std::string& one : problems) {
        result.messages.push_back(file + ": " + one);
    }
    for (const std::string& one : warnings) {
        result.messages.push_back(file + ": warning: " + one);
    }
    return result;
}

} // namespace boshgate::proxy
