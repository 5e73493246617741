#include "proxy/block_pool.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace boshgate::proxy {
namespace {

TEST(BlockPool, GivesRoomForWhatWasAskedAndKeepsBytes) {
    block_pool pool;
    for (const std::size_t size :
         {0U, 1U, 511U, 512U, 513U, 768U, 769U, 4096U, 16'384U, 16'385U, 1'000'000U}) {
        block one = pool.take(size);
        EXPECT_GE(one.room(), size);
        const std::string bytes(size, 'x');
        one.append(bytes);
        EXPECT_EQ(one.view(), bytes);
    }
}

TEST(BlockPool, RecyclesTheSameMemory) {
    block_pool pool;
    block one = pool.take(300);
    one.append("a");
    const char* memory = one.view().data();
    one.release();
    EXPECT_TRUE(one.empty());
    block two = pool.take(500);
    two.append("b");
    EXPECT_EQ(two.view().data(), memory);
}

TEST(BlockPool, MovedBlocksOwnTheirMemoryOnce) {
    block_pool pool;
    std::vector<block> blocks;
    for (int i = 0; i < 3000; ++i) { // more than one size keeps
        block one = pool.take(100);
        one.append_number(static_cast<std::uint64_t>(i));
        blocks.push_back(std::move(one));
    }
    EXPECT_EQ(blocks[2999].view(), "2999");
    block moved = std::move(blocks[7]);
    EXPECT_EQ(moved.view(), "7");
    blocks.clear();
    EXPECT_EQ(moved.view(), "7");
}

} // namespace
} // namespace boshgate::proxy
