#pragma once
// Memory for messages that an exchange must keep while its poll is held: blocks of a few fixed
// sizes, recycled on the core that took them, so that the request path allocates nothing once it is
// warm.

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace boshgate::proxy {

class block_pool;

// A byte buffer of fixed capacity that goes back to its pool when it dies.
class block {
  public:
    block() = default;
    block(block&& other) noexcept { swap(other); }
    block& operator=(block&& other) noexcept {
        if (this != &other) {
            release();
            swap(other);
        }
        return *this;
    }
    ~block() { release(); }

    // append copies; the caller has asked for a block that is large enough.
    void append(std::string_view bytes) noexcept {
        assert(bytes.size() <= room());
        if (bytes.empty()) {
            return; // of nothing there may be no address, which memcpy must not see
        }
        std::memcpy(data_ + size_, bytes.data(), bytes.size());
        size_ += static_cast<std::uint32_t>(bytes.size());
    }
    void append_number(std::uint64_t number) noexcept;
    [[nodiscard]] std::string_view view() const noexcept { return {data_, size_}; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t room() const noexcept { return capacity_ - size_; }
    void release() noexcept;

  private:
    friend class block_pool;
    void swap(block& other) noexcept;

    char* data_ = nullptr;
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 0;
    block_pool* pool_ = nullptr;
};

// Only its own core may touch a pool and the blocks taken from it. The pool must outlive its
// blocks.
class block_pool {
  public:
    block_pool() = default;
    ~block_pool();
    block_pool(const block_pool&) = delete;
    block_pool& operator=(const block_pool&) = delete;

    // take returns an empty block with room for `bytes` (below 4 GiB).
    [[nodiscard]] block take(std::size_t bytes);

  private:
    friend class block;
    static constexpr std::array<std::uint32_t, 6> sizes{512, 768, 1024, 2048, 4096, 16 * 1024};
    static constexpr std::size_t kept_max = 1024; // free blocks of one size that are kept

    void give_back(char* data, std::uint32_t capacity) noexcept;

    std::array<std::vector<char*>, sizes.size()> free_;
};

} // namespace boshgate::proxy
