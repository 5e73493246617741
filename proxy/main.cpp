#include "proxy/command_line.hpp"

#include <exception>
#include <iostream>
#include <string>
#include <vector>

int main(int count, char** words) {
    try {
        return boshgate::proxy::run_command(std::vector<std::string>(words + 1, words + count),
                                            std::cout, std::cerr);
    } catch (const std::exception& failure) {
        std::cerr << "boshgate: " << failure.what() << '\n';
        return 1;
    }
}
