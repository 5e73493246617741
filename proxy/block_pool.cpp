#include "proxy/block_pool.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>
#include <new>
#include <utility>

namespace boshgate::proxy {

void block::append_number(std::uint64_t number) noexcept {
    const auto end = std::to_chars(data_ + size_, data_ + capacity_, number);
    assert(end.ec == std::errc{});
    size_ = static_cast<std::uint32_t>(end.ptr - data_);
}

void block::release() noexcept {
    if (pool_ != nullptr) {
        pool_->give_back(data_, capacity_);
    }
    data_ = nullptr;
    size_ = capacity_ = 0;
    pool_ = nullptr;
}

void block::swap(block& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(pool_, other.pool_);
}

block_pool::~block_pool() {
    for (const std::vector<char*>& list : free_) {
        for (char* data : list) {
            ::operator delete(data);
        }
    }
}

block block_pool::take(std::size_t bytes) {
    block taken;
    const auto size = std::lower_bound(sizes.begin(), sizes.end(), bytes);
    if (size == sizes.end()) {
        taken.capacity_ = static_cast<std::uint32_t>(bytes);
        taken.data_ = static_cast<char*>(::operator new(bytes));
    } else {
        std::vector<char*>& list = free_[static_cast<std::size_t>(size - sizes.begin())];
        taken.capacity_ = *size;
        if (list.empty()) {
            taken.data_ = static_cast<char*>(::operator new(*size));
        } else {
            taken.data_ = list.back();
            list.pop_back();
        }
    }
    taken.pool_ = this;
    return taken;
}

void block_pool::give_back(char* data, std::uint32_t capacity) noexcept {
    const auto size = std::find(sizes.begin(), sizes.end(), capacity);
    if (size != sizes.end()) {
        std::vector<char*>& list = free_[static_cast<std::size_t>(size - sizes.begin())];
        // The list may grow only where that cannot fail: giving back happens in destructors.
        if (list.size() < list.capacity() && list.size() < kept_max) {
            list.push_back(data);
            return;
        }
        if (list.capacity() < kept_max) {
            try {
                list.reserve(std::max<std::size_t>(64, list.capacity() * 2));
                list.push_back(data);
                return;
            } catch (const std::bad_alloc&) {
                // Not kept, then.
            }
        }
    }
    ::operator delete(data);
}

} // namespace boshgate::proxy
