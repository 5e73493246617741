#pragma once
// The proxy's log during a test, kept aside: it is shown when the test fails, and not else. Tests
// of failures fill the log with them, and what went wrong would drown in it.

#include "tests/support/temp_directory.hpp"

#include <string>

#include <gtest/gtest.h>

namespace boshgate::tests {

class kept_log final : public ::testing::EmptyTestEventListener {
  public:
    kept_log();

  private:
    void OnTestStart(const ::testing::TestInfo& info) override;
    void OnTestEnd(const ::testing::TestInfo& info) override;

    temp_directory directory_;
    std::string file_;
};

} // namespace boshgate::tests
