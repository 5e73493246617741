# Puts the parts of the status page into one page, and that into a C++ file:
#   cmake -D FROM=page.html -D "PARTS=page.css;page.js" -D TO=status_page.cpp -P embed.cmake
# Each <link rel="stylesheet" href="x.css" /> and <script src="x.js"></script> of the page becomes
# what the file holds.
cmake_minimum_required(VERSION 3.25)
get_filename_component(folder "${FROM}" DIRECTORY)

# Semicolons and brackets mean something to CMake's lists, so the text goes through in hexadecimal.
function(read_hex file out)
  file(READ "${file}" hex HEX)
  set(${out} "${hex}" PARENT_SCOPE)
endfunction()
function(to_hex text out)
  string(HEX "${text}" hex)
  set(${out} "${hex}" PARENT_SCOPE)
endfunction()

read_hex("${FROM}" page)
foreach(part IN LISTS PARTS)
  if(part MATCHES "\\.css$")
    to_hex("<link rel=\"stylesheet\" href=\"${part}\" />" reference)
    to_hex("<style>" open)
    to_hex("</style>" close)
  else()
    to_hex("<script src=\"${part}\"></script>" reference)
    to_hex("<script>" open)
    to_hex("</script>" close)
  endif()
  string(FIND "${page}" "${reference}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "${FROM} has no reference to ${part}")
  endif()
  read_hex("${folder}/${part}" content)
  string(REPLACE "${reference}" "${open}${content}${close}" page "${page}")
endforeach()

string(REPEAT "." 64 line)
string(REGEX REPLACE "(${line})" "\\1\n" page "${page}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," page "${page}")
file(WRITE "${TO}" "// Made by embed.cmake.
#include \"proxy/status_page.hpp\"

namespace boshgate::proxy {
namespace {
constexpr unsigned char page[] = {
${page}
};
} // namespace
std::string_view status_page() noexcept {
    return {reinterpret_cast<const char*>(page), sizeof page};
}
} // namespace boshgate::proxy
")
