// The end of a process whose memory has run out.

#include "proxy/out_of_memory.hpp"

#include <gtest/gtest.h>

#include <new>

namespace boshgate::proxy {
namespace {

TEST(OutOfMemoryDeathTest, TheProcessSaysSoAndEndsWithAStatusOfItsOwn) {
    GTEST_FLAG_SET(death_test_style, "threadsafe"); // other tests leave threads behind a fork
    // What operator new calls when there is nothing left. Memory is not used up for real: the
    // sanitizers' allocators end the process in a way of their own.
    EXPECT_EXIT(
        {
            end_when_out_of_memory();
            std::get_new_handler()();
        },
        testing::ExitedWithCode(exit_out_of_memory), "boshgate: out of memory, ending .*limits");
    EXPECT_EQ(std::get_new_handler(), nullptr) << "the test's own process was changed";
}

} // namespace
} // namespace boshgate::proxy
