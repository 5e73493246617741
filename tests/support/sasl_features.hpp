#pragma once
// What a node offers before a login.

#include <string>
#include <vector>

namespace boshgate::tests {

// SASL features with a <hostname> for each name.
[[nodiscard]] inline std::string features_with(const std::vector<std::string>& names) {
    std::string all = "<stream:features xmlns:stream='http://etherx.jabber.org/streams'>"
                      "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
                      "<mechanism>PLAIN</mechanism>";
    for (const std::string& name : names) {
        all += "<hostname xmlns='urn:xmpp:domain-based-name:0'>" + name + "</hostname>";
    }
    return all + "</mechanisms></stream:features>";
}

} // namespace boshgate::tests
