#pragma once
// A directory for one test, removed with all that is in it.

#include <filesystem>
#include <string>
#include <string_view>

namespace boshgate::tests {

class temp_directory {
  public:
    temp_directory();
    ~temp_directory();
    temp_directory(const temp_directory&) = delete;
    temp_directory& operator=(const temp_directory&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    // write makes the file and the directories above it; returns its absolute path.
    std::string write(std::string_view name, std::string_view bytes) const;
    [[nodiscard]] std::string read(std::string_view name) const;

  private:
    std::filesystem::path path_;
};

} // namespace boshgate::tests
