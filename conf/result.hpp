#pragma once
// A value, or what is wrong with the text that should have become one. Reading configuration text
// never throws: a bad value is the normal case here, and an operator wants all of them at once.

#include <string>
#include <utility>
#include <variant>

namespace boshgate::conf {

// What is wrong, in words that follow "path: ". `expected` and `did_you_mean` may be empty.
struct fault {
    std::string what;         // "'30' has no unit"
    std::string expected;     // "a duration such as 30s or 250ms"
    std::string did_you_mean; // "30s"

    bool operator==(const fault&) const = default;
};

template <class T>
class result {
  public:
    result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
    result(fault why) : held_(std::in_place_index<1>, std::move(why)) {}

    [[nodiscard]] explicit operator bool() const noexcept { return held_.index() == 0; }
    [[nodiscard]] const T& operator*() const { return std::get<0>(held_); }
    [[nodiscard]] const T* operator->() const { return &std::get<0>(held_); }
    [[nodiscard]] const fault& why() const { return std::get<1>(held_); }

  private:
    std::variant<T, fault> held_;
};

} // namespace boshgate::conf
