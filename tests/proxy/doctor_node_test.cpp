// The doctor in front of nodes that have one fault each: what it finds, and that the lines it
// prints mend what they promise to mend.

#include "proxy/doctor_node.hpp"

#include "proxy/configuration.hpp"
#include "tests/support/bosh_client.hpp"
#include "tests/support/sasl_features.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/test_certificates.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include <openssl/ssl.h>

namespace boshgate::tests {
namespace {

using discovery::diagnosis;
using discovery::finding;
using discovery::verdict;

// Enough for a busy machine where an answer comes, short where none does.
constexpr proxy::doctor_patience patient{.step = std::chrono::seconds{10},
                                         .node = std::chrono::seconds{40}};
constexpr proxy::doctor_patience hasty{.step = std::chrono::milliseconds{150},
                                       .node = std::chrono::seconds{2}};

// A BOSH server: knows no sid, opens sessions for example.com, has a page.
node_reply healthy(const node_request& got) {
    if (got.line().starts_with("GET")) {
        return {.bytes =
                    ok("<html><title>BOSH here</title></html>", "Content-Type: text/html\r\n")};
    }
    const std::string sid = attribute(got.body, "sid");
    if (sid.empty()) {
        return {.bytes = ok(attribute(got.body, "to") == "example.com"
                                ? "<body " + bosh_namespace + " sid='s1' wait='5'>" +
                                      features_with({}) + "</body>"
                                : "<body " + bosh_namespace +
                                      " type='terminate' condition='host-unknown'/>")};
    }
    return {.bytes = ok("<body " + bosh_namespace + " type='terminate' condition='" +
                        (sid == "s1" ? "" : "item-not-found") + "'/>")};
}

node_reply with_status(const std::string& status, const std::string& body = "<html>no</html>",
                       const std::string& fields = "Content-Type: text/html\r\n") {
    return {.bytes = "HTTP/1.1 " + status + "\r\n" + fields +
                     "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body};
}

proxy::ssl_ctx_ptr server_of(const test_certificate& own, int newest = 0) {
    proxy::ssl_ctx_ptr context(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_set_security_level(context.get(), newest != 0 ? 0 : 2);
    EXPECT_EQ(SSL_CTX_use_certificate(context.get(), own.certificate.get()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), own.key.get()), 1);
    if (newest != 0) {
        EXPECT_EQ(SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION), 1);
        EXPECT_EQ(SSL_CTX_set_max_proto_version(context.get(), newest), 1);
        EXPECT_EQ(SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0"), 1);
    }
    return context;
}

std::string url_of(const std::string& scheme, std::uint16_t port,
                   const std::string& path = "/httpbinding") {
    return scheme + "://127.0.0.1:" + std::to_string(port) + path;
}

// What the doctor says of a node that is configured like this: "n: ..." below `nodes`.
class patient_node {
  public:
    explicit patient_node(const proxy::doctor_patience& patience = patient,
                          std::vector<std::string> domains = {}, bool known = false)
        : patience_(patience), domains_(std::move(domains)), known_(known) {
        std::signal(SIGPIPE, SIG_IGN); // as doctor() does
    }

    diagnosis examine(const std::string& node) const {
        const std::string file =
            directory_.write("boshgate.yaml", "listen: [{address: \"127.0.0.1:0\"}]\nweb_root: " +
                                                  directory_.path().string() + "\nnodes:\n" + node);
        const proxy::loaded_configuration loaded = proxy::load_configuration(file);
        for (const conf::problem& one : loaded.problems) {
            EXPECT_EQ(one.level, conf::severity::warning) << conf::to_string(one) << '\n' << node;
        }
        if (!loaded.compiled) {
            return {};
        }
        const discovery::node_facts facts =
            proxy::examine_node({*loaded.compiled, 0, domains_, known_, patience_});
        return diagnose(facts, {loaded.compiled->config, loaded.compiled->config.nodes[0],
                                "boshgate.yaml", static_cast<std::int64_t>(std::time(nullptr))});
    }

  private:
    temp_directory directory_;
    proxy::doctor_patience patience_;
    std::vector<std::string> domains_;
    bool known_;
};

std::string shown(const diagnosis& of) {
    return discovery::print({of}, false);
}

const finding* find(const diagnosis& in, const std::string& check) {
    const auto found = std::find_if(in.findings.begin(), in.findings.end(),
                                    [&](const finding& one) { return one.check == check; });
    return found == in.findings.end() ? nullptr : &*found;
}

// One finding is `how`, says `what`, and all others are in order.
void expect_only(const diagnosis& got, const std::string& check, verdict how,
                 const std::string& what) {
    const finding* one = find(got, check);
    ASSERT_NE(one, nullptr) << shown(got);
    EXPECT_EQ(one->how, how) << shown(got);
    EXPECT_NE(one->what.find(what), std::string::npos) << shown(got);
    EXPECT_FALSE(how == verdict::wrong && one->mend.empty()) << shown(got);
    for (const finding& other : got.findings) {
        EXPECT_TRUE(&other == one || other.how == verdict::ok || other.check == "page")
            << shown(got);
    }
}

// ... and the lines that are printed for it, put in the node's place, leave nothing wrong.
void expect_mended(const patient_node& node, const diagnosis& got, const std::string& check) {
    const finding* one = find(got, check);
    ASSERT_NE(one, nullptr);
    ASSERT_NE(one->yaml, "") << shown(got);
    const diagnosis after = node.examine(one->yaml);
    EXPECT_EQ(worst(after.findings), verdict::ok) << one->yaml << shown(after);
    EXPECT_NE(find(after, "bosh"), nullptr) << shown(after);
}

TEST(DoctorNode, FindsNothingWrongWithAGoodOne) {
    stub_node node(healthy);
    const patient_node doctor(patient, {"wrong.example", "example.com"});
    const diagnosis got = doctor.examine("  n: " + url_of("http", node.port()) + "\n");
    EXPECT_EQ(worst(got.findings), verdict::ok) << shown(got);
    std::string checks;
    for (const finding& one : got.findings) {
        checks += one.check + ' ';
    }
    EXPECT_EQ(checks, "connect bosh session page clock ");
    EXPECT_EQ(find(got, "session")->what,
              "opens for example.com and offers PLAIN; was ended again");
    EXPECT_EQ(find(got, "page")->what, "status 200, \"BOSH here\"");
    // The session that was opened was ended, with the next rid.
    const std::vector<node_request> requests = node.requests();
    const auto ended = std::find_if(requests.begin(), requests.end(), [](const node_request& one) {
        return attribute(one.body, "sid") == "s1" && attribute(one.body, "type") == "terminate";
    });
    ASSERT_NE(ended, requests.end());
    EXPECT_EQ(rid_of(*ended), rid_of(*(ended - 1)) + 1);
    for (const node_request& one : requests) {
        EXPECT_EQ(one.field("Host"), "127.0.0.1:" + std::to_string(node.port()));
    }
}

TEST(DoctorNode, TellsWhyNothingAnswers) {
    const refusing_port nobody;
    const raw_node mute; // the kernel takes connections, and nobody reads
    const patient_node doctor(hasty);
    expect_only(doctor.examine("  n: " + url_of("http", nobody.port()) + "\n"), "connect",
                verdict::wrong, "refused");
    expect_only(doctor.examine("  n: " + url_of("http", mute.port()) + "\n"), "bosh",
                verdict::wrong, "it hangs");
    expect_only(doctor.examine("  n: " + url_of("https", mute.port()) + "\n"), "tls",
                verdict::wrong, "it hangs");
    expect_only(patient_node().examine("  n: http://nowhere.invalid/httpbinding\n"), "name",
                verdict::wrong, "does not resolve");
}

TEST(DoctorNode, AFrozenNodeCostsNoMoreThanItsTime) {
    const raw_node mute;
    const auto start = proxy::doctor_clock::now();
    const diagnosis got = patient_node({.step = std::chrono::milliseconds{300},
                                        .node = std::chrono::milliseconds{400}})
                              .examine("  n: " + url_of("https", mute.port()) + "\n");
    EXPECT_LT(proxy::doctor_clock::now() - start, std::chrono::seconds{3});
    EXPECT_EQ(worst(got.findings), verdict::wrong) << shown(got);
}

TEST(DoctorNode, TellsTheWrongProtocol) {
    const test_certificate own = make_certificate({.names = {"IP:127.0.0.1"}});
    const proxy::ssl_ctx_ptr tls = server_of(own);
    stub_node plain(healthy);
    stub_node secure(healthy, tls.get());
    stub_node ssh([](const node_request&) { return node_reply{.bytes = "SSH-2.0-OpenSSH\r\n"}; });
    const patient_node doctor;

    // It takes the handshake for the begin of a head, and waits for more.
    const patient_node brisk({.step = std::chrono::seconds{2}});
    diagnosis got = brisk.examine("  n: " + url_of("https", plain.port()) + "\n");
    expect_only(got, "tls", verdict::wrong, "speaks HTTP without TLS");
    expect_mended(doctor, got, "tls");

    got = doctor.examine("  n: " + url_of("http", secure.port()) + "\n");
    expect_only(got, "bosh", verdict::wrong, "the port speaks TLS");
    expect_mended(doctor, got, "bosh");

    expect_only(doctor.examine("  n: " + url_of("http", ssh.port()) + "\n"), "bosh", verdict::wrong,
                "does not speak HTTP");
}

TEST(DoctorNode, TellsWhyACertificateIsNotAccepted) {
    const temp_directory directory;
    const test_certificate authority =
        make_certificate({.common_name = "company", .authority = true});
    const std::string ca = directory.write("ca.pem", authority.pem());
    const std::string with_ca = "tls: { ca_file: " + ca + " } }\n";
    const std::string wrong_pin = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const certificate_wish here{.names = {"IP:127.0.0.1"}};
    const struct {
        std::string name;
        test_certificate shown;
        std::string keys; // of the node, behind its URL
        std::string expected;
        std::string mended; // in the lines that mend it
    } cases[] = {
        {"signed itself", make_certificate(here), "}\n", "it signed itself", "pins"},
        {"other key", make_certificate(here), "tls: { pins: [\"" + wrong_pin + "\"] } }\n",
         "none of the configured pins", "pins"},
        {"unknown authority", make_certificate(here, &authority), "}\n",
         "no authority that is trusted signed it", "pins"},
        {"expired",
         make_certificate({.names = {"IP:127.0.0.1"}, .not_after = "20210101000000Z"}, &authority),
         with_ca, "it has expired", "pins"},
        {"of tomorrow",
         make_certificate({.names = {"IP:127.0.0.1"}, .not_before = "20980101000000Z"}, &authority),
         with_ca, "not valid yet", "pins"},
        {"other name", make_certificate({.names = {"DNS:other.example"}}, &authority), with_ca,
         "it is for other.example, not for 127.0.0.1", "server_name: other.example"},
        {"other name and expired",
         make_certificate({.names = {"DNS:other.example"}, .not_after = "20210101000000Z"},
                          &authority),
         with_ca, "it is for other.example, not for 127.0.0.1", "pins"},
    };
    const patient_node doctor;
    for (const auto& one : cases) {
        SCOPED_TRACE(one.name);
        const proxy::ssl_ctx_ptr tls = server_of(one.shown);
        stub_node node(healthy, tls.get());
        const diagnosis got =
            doctor.examine("  n: { url: \"" + url_of("https", node.port()) + "\", " + one.keys);
        expect_only(got, "certificate", verdict::wrong, one.expected);
        ASSERT_NE(find(got, "certificate"), nullptr);
        EXPECT_NE(find(got, "certificate")->yaml.find(one.mended), std::string::npos)
            << find(got, "certificate")->yaml;
        EXPECT_EQ(find(got, "pin")->what, proxy::spki_pin(one.shown.certificate.get()));
        expect_mended(doctor, got, "certificate");
    }
}

TEST(DoctorNode, TellsWhatIsAcceptedAndWhyItShouldNotBe) {
    const temp_directory directory;
    const test_certificate authority =
        make_certificate({.common_name = "company", .authority = true});
    const test_certificate leaf = make_certificate({.names = {"IP:127.0.0.1"}}, &authority);
    const proxy::ssl_ctx_ptr tls = server_of(leaf);
    stub_node node(healthy, tls.get());
    const std::string url = "  n: { url: \"" + url_of("https", node.port()) + "\", tls: { ";
    const patient_node doctor;
    diagnosis got =
        doctor.examine(url + "ca_file: " + directory.write("ca.pem", authority.pem()) + " } }\n");
    expect_only(got, "certificate", verdict::ok, "signed by CN=company");
    EXPECT_NE(find(got, "tls")->what.find("TLSv1.3"), std::string::npos);

    got = doctor.examine(url + "verify: false } }\n");
    expect_only(got, "certificate", verdict::warning, "is not looked at");
    expect_mended(doctor, got, "certificate");
}

TEST(DoctorNode, TellsANodeThatNeedsLegacyTls) {
    const test_certificate own =
        make_certificate({.names = {"IP:127.0.0.1"}, .key = key_kind::rsa_1024});
    const proxy::ssl_ctx_ptr tls = server_of(own, TLS1_1_VERSION);
    stub_node node(healthy, tls.get());
    const patient_node doctor;
    const diagnosis got = doctor.examine("  n: " + url_of("https", node.port()) + "\n");
    expect_only(got, "tls", verdict::wrong, "too old to be safe (TLSv1.1");
    expect_mended(doctor, got, "tls");
}

TEST(DoctorNode, TellsWhereThereIsNoBosh) {
    // What a node does with a POST to the URL; what with one to /http-bind.
    const struct {
        std::string name;
        stub_node::handler answer;
        verdict how;
        std::string expected;
        bool mends;
    } cases[] = {
        {"BOSH off", [](const node_request&) { return with_status("404 Not Found"); },
         verdict::wrong, "there is no BOSH at this URL", false},
        {"BOSH elsewhere",
         [](const node_request& got) {
             return got.line().find(" /http-bind ") != std::string::npos
                        ? healthy(got)
                        : with_status("404 Not Found");
         },
         verdict::wrong, "there is no BOSH at this URL", true},
        {"a 404 for an unknown sid, as Openfire",
         [](const node_request& got) {
             return got.body.empty() && got.line().starts_with("POST /httpbinding ")
                        ? with_status("400 Bad Request")
                        : with_status("404 Not Found");
         },
         verdict::ok, "answers as a BOSH server does", false},
        {"a server that has 400 for every empty POST",
         [](const node_request& got) {
             return with_status(got.body.empty() ? "400 Bad Request" : "404 Not Found");
         },
         verdict::wrong, "there is no BOSH at this URL", false},
        {"a page", [](const node_request&) { return with_status("200 OK"); }, verdict::wrong,
         "a page instead of a BOSH answer", false},
        {"nothing in it", [](const node_request&) { return with_status("200 OK", ""); },
         verdict::wrong, "an answer without a body", false},
        {"elsewhere",
         [](const node_request&) {
             return with_status("302 Found", "", "Location: https://else.example/\r\n");
         },
         verdict::wrong, "'https://else.example/'", false},
        {"a proxy between", [](const node_request&) { return with_status("502 Bad Gateway"); },
         verdict::wrong, "something between here and the node", false},
        {"closes", [](const node_request&) { return node_reply{.close = true}; }, verdict::wrong,
         "closes the connection without an answer", false},
        {"another condition",
         [](const node_request& got) {
             return got.body.empty() ? healthy(got)
                                     : node_reply{.bytes = ok("<body " + bosh_namespace +
                                                              " type='terminate' "
                                                              "condition='policy-violation'/>")};
         },
         verdict::warning, "'policy-violation' to an unknown sid", false},
    };
    // One of them is asked for TLS too, and says nothing.
    const patient_node doctor({.step = std::chrono::seconds{2}});
    for (const auto& one : cases) {
        SCOPED_TRACE(one.name);
        stub_node node(one.answer);
        const diagnosis got = doctor.examine("  n: " + url_of("http", node.port()) + "\n");
        expect_only(got, "bosh", one.how, one.expected);
        if (one.mends) {
            expect_mended(doctor, got, "bosh");
        }
    }
}

TEST(DoctorNode, TellsAWrongClock) {
    stub_node node([](const node_request& got) {
        node_reply reply = healthy(got);
        reply.bytes.insert(reply.bytes.find("\r\n") + 2, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
        return reply;
    });
    expect_only(patient_node().examine("  n: " + url_of("http", node.port()) + "\n"), "clock",
                verdict::wrong, "behind this machine's");
}

TEST(DoctorNode, TellsANodeThatOpensNoSession) {
    const auto opening = [](const std::string& answer) {
        return [answer](const node_request& got) {
            const bool opens = !got.body.empty() && attribute(got.body, "sid").empty();
            return opens ? node_reply{.bytes = ok(answer)} : healthy(got);
        };
    };
    const std::string unknown =
        "<body " + bosh_namespace + " type='terminate' condition='host-unknown'/>";
    const struct {
        std::string name, answer;
        bool known;
        std::string expected; // empty: nothing is said
    } cases[] = {
        {"not this domain", unknown, true, "does not serve chat.example (host-unknown)"},
        {"perhaps not this domain", unknown, false, ""},
        {"no mechanisms", "<body " + bosh_namespace + " sid='s1'/>", true,
         "offers no way to log in"},
        {"no mechanisms, for a guess", "<body " + bosh_namespace + " sid='s1'/>", false,
         "offers no way to log in"},
        {"trouble",
         "<body " + bosh_namespace + " type='terminate' condition='internal-server-error'/>", true,
         "refuses one for chat.example: 'internal-server-error'"},
        {"a page", "<html/>", true, "none opens for chat.example (status 200)"},
    };
    for (const auto& one : cases) {
        SCOPED_TRACE(one.name);
        stub_node node(opening(one.answer));
        const diagnosis got = patient_node(patient, {"chat.example"}, one.known)
                                  .examine("  n: " + url_of("http", node.port()) + "\n");
        if (one.expected.empty()) {
            EXPECT_EQ(find(got, "session"), nullptr) << shown(got);
        } else {
            expect_only(got, "session", verdict::wrong, one.expected);
        }
    }
}

} // namespace
} // namespace boshgate::tests
