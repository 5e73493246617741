// The tests of proxy/ keep the proxy's log aside: see tests/support/kept_log.hpp.

#include "tests/support/kept_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

int main(int argc, char** argv) {
    ::testing::InitGoogleMock(&argc, argv);
    // GoogleTest deletes it at its end.
    ::testing::UnitTest::GetInstance()->listeners().Append(new boshgate::tests::kept_log);
    return RUN_ALL_TESTS();
}
