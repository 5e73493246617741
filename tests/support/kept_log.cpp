#include "tests/support/kept_log.hpp"

#include "proxy/log.hpp"

#include <filesystem>
#include <iostream>

namespace boshgate::tests {
namespace {

constexpr std::string_view name = "kept.log";

} // namespace

kept_log::kept_log() : file_((directory_.path() / name).string()) {}

void kept_log::OnTestStart(const ::testing::TestInfo& /*info*/) {
    std::error_code none;
    std::filesystem::remove(file_, none);
    std::string problem;
    if (!proxy::log_open({.level = conf::log_level::info, .file = file_}, problem)) {
        std::cerr << "the log stays on standard error: " << problem << '\n';
    }
}

void kept_log::OnTestEnd(const ::testing::TestInfo& info) {
    if (info.result()->Failed() && std::filesystem::exists(file_)) {
        std::cerr << "the proxy's log of " << info.test_suite_name() << '.' << info.name() << ":\n"
                  << directory_.read(name);
    }
}

} // namespace boshgate::tests
