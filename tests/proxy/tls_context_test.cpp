// Real handshakes in memory: what the contexts accept, refuse and say.

#include "proxy/tls_context.hpp"

#include "tests/support/temp_directory.hpp"
#include "tests/support/test_certificates.hpp"
#include "tests/support/tls_pair.hpp"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace boshgate::proxy {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using tests::certificate_wish;
using tests::key_kind;
using tests::make_certificate;
using tests::temp_directory;
using tests::test_certificate;
using tests::tls_pair;

std::string text_of(const std::vector<tls_problem>& problems) {
    std::string text;
    for (const tls_problem& problem : problems)
        text += (problem.severity == tls_severity::error ? "error: " : "warning: ") + problem.key +
                ": " + problem.what + "\n";
    return text;
}

ssl_ctx_ptr plain_client() {
    ssl_ctx_ptr context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
    return context;
}

// A server as somebody else runs it, with one certificate.
ssl_ctx_ptr plain_server(const test_certificate& own) {
    ssl_ctx_ptr context(SSL_CTX_new(TLS_server_method()));
    EXPECT_EQ(SSL_CTX_use_certificate(context.get(), own.certificate.get()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), own.key.get()), 1);
    return context;
}

conf::certificate_files files_for(const temp_directory& directory, const std::string& stem,
                                  const test_certificate& made, const std::string& more = "") {
    return {directory.write(stem + ".pem", made.pem() + more),
            directory.write(stem + ".key", made.key_pem()),
            {7, 3}};
}

std::string common_name(X509* certificate) {
    char text[64] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text,
                              sizeof text);
    return text;
}

void set_server_name(SSL* ssl, std::string name) {
    ASSERT_EQ(SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()),
              1);
}

conf::node node_at(const std::string& host) {
    conf::node node;
    node.name = "node-a1";
    node.url = {true, host, 7335, "/httpbinding"};
    return node;
}

// --- towards clients

class server_side : public testing::Test {
  protected:
    std::unique_ptr<server_tls> build() { return server_tls::build(settings, problems, keys); }

    temp_directory directory;
    conf::listener_tls settings;
    std::vector<tls_problem> problems;
    std::shared_ptr<ticket_keys> keys = std::make_shared<ticket_keys>();
};

TEST_F(server_side, chooses_the_certificate_by_sni) {
    const auto first =
        make_certificate({.common_name = "first", .names = {"DNS:a.example", "IP:192.0.2.7"}});
    const auto wild = make_certificate({.common_name = "wild", .names = {"DNS:*.example.com"}});
    const auto exact =
        make_certificate({.common_name = "exact", .names = {"DNS:chat.example.com"}});
    const auto plain = make_certificate({.common_name = "cn-only.example"});
    settings.certificates = {
        files_for(directory, "first", first), files_for(directory, "wild", wild),
        files_for(directory, "exact", exact), files_for(directory, "plain", plain)};
    const auto server = build();
    ASSERT_TRUE(server) << text_of(problems);
    EXPECT_THAT(problems, IsEmpty());

    const std::pair<const char*, const char*> cases[] = {
        {"a.example", "first"},
        {"192.0.2.7", "first"}, // not allowed by RFC 6066, but some clients do it
        {"CHAT.Example.com", "exact"},
        {"chat.example.com.", "exact"},
        {"other.example.com", "wild"},
        {"deep.other.example.com", "first"}, // a wildcard stands for one label
        {"example.com", "first"},
        {".example.com", "first"},
        {"cn-only.example", "cn-only.example"},
        {"unknown.test", "first"},
        {"", "first"},
    };
    const auto client = plain_client();
    for (const auto version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        for (const auto& [name, expected] : cases) {
            SCOPED_TRACE(std::string(name) + " " + std::to_string(version));
            tls_pair pair(client.get(), server->context());
            ASSERT_EQ(SSL_set_max_proto_version(pair.client.get(), version), 1);
            if (*name != '\0')
                set_server_name(pair.client.get(), name);
            ASSERT_TRUE(pair.shake()) << pair.client_error << pair.server_error;
            EXPECT_EQ(common_name(SSL_get0_peer_certificate(pair.client.get())), expected);
            EXPECT_EQ(SSL_version(pair.client.get()), version);
        }
    }
}

TEST_F(server_side, serves_rsa_and_ecdsa_for_the_same_names) {
    const auto ecdsa = make_certificate({.common_name = "ecdsa", .names = {"DNS:a.example"}});
    const auto rsa =
        make_certificate({.common_name = "rsa", .names = {"DNS:a.example"}, .key = key_kind::rsa});
    settings.certificates = {files_for(directory, "ecdsa", ecdsa),
                             files_for(directory, "rsa", rsa)};
    const auto server = build();
    ASSERT_TRUE(server) << text_of(problems);
    for (const auto& [signatures, expected] :
         {std::pair{"RSA-PSS+SHA256", "rsa"}, std::pair{"ECDSA+SHA256", "ecdsa"}}) {
        const auto client = plain_client();
        ASSERT_EQ(SSL_CTX_set1_sigalgs_list(client.get(), signatures), 1);
        tls_pair pair(client.get(), server->context());
        ASSERT_TRUE(pair.shake()) << signatures << pair.client_error << pair.server_error;
        EXPECT_EQ(common_name(SSL_get0_peer_certificate(pair.client.get())), expected);
    }
}

TEST_F(server_side, sends_the_chain_and_says_when_it_expires) {
    const auto root = make_certificate({.common_name = "root", .authority = true});
    const auto middle = make_certificate({.common_name = "middle", .authority = true}, &root);
    const auto leaf = make_certificate(
        {.common_name = "leaf", .names = {"DNS:a.example"}, .not_after = "20800101000000Z"},
        &middle);
    settings.certificates = {files_for(directory, "leaf", leaf, middle.pem())};
    const auto server = build();
    ASSERT_TRUE(server) << text_of(problems);
    EXPECT_THAT(problems, IsEmpty());
    EXPECT_EQ(server->expires(), 3471292800);
    const auto client = plain_client();
    tls_pair pair(client.get(), server->context());
    ASSERT_TRUE(pair.shake());
    EXPECT_EQ(sk_X509_num(SSL_get_peer_cert_chain(pair.client.get())), 2);
}

TEST_F(server_side, speaks_what_mozilla_calls_intermediate) {
    settings.certificates = {files_for(
        directory, "rsa", make_certificate({.names = {"DNS:a.example"}, .key = key_kind::rsa}))};
    const auto server = build();
    ASSERT_TRUE(server) << text_of(problems);

    struct offer {
        const char* name;
        int lowest;
        int highest;
        const char* ciphers;
        const char* groups;
        bool accepted;
    };
    const offer offers[] = {
        {"TLS 1.0", TLS1_VERSION, TLS1_VERSION, "ALL:@SECLEVEL=0", "X25519", false},
        {"TLS 1.1", TLS1_1_VERSION, TLS1_1_VERSION, "ALL:@SECLEVEL=0", "X25519", false},
        {"TLS 1.2", TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "X25519", true},
        {"TLS 1.3", TLS1_3_VERSION, TLS1_3_VERSION, "ALL", "X25519", true},
        {"P-256", TLS1_2_VERSION, TLS1_3_VERSION, "ALL", "prime256v1", true},
        {"P-384", TLS1_2_VERSION, TLS1_3_VERSION, "ALL", "secp384r1", true},
        {"P-521", TLS1_3_VERSION, TLS1_3_VERSION, "ALL", "secp521r1", false},
        {"ChaCha20", TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305", "X25519", true},
        {"RSA key exchange", TLS1_2_VERSION, TLS1_2_VERSION, "AES128-GCM-SHA256", "X25519", false},
        {"CBC", TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA256", "X25519", false},
        {"DHE", TLS1_2_VERSION, TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256", "X25519", false},
    };
    for (const offer& offered : offers) {
        SCOPED_TRACE(offered.name);
        const auto client = plain_client();
        SSL_CTX_set_security_level(client.get(), 0);
        ASSERT_EQ(SSL_CTX_set_min_proto_version(client.get(), offered.lowest), 1);
        ASSERT_EQ(SSL_CTX_set_max_proto_version(client.get(), offered.highest), 1);
        ASSERT_EQ(SSL_CTX_set_cipher_list(client.get(), offered.ciphers), 1);
        ASSERT_EQ(SSL_CTX_set1_groups_list(client.get(), offered.groups), 1);
        tls_pair pair(client.get(), server->context());
        EXPECT_EQ(pair.shake(), offered.accepted) << pair.client_error << pair.server_error;
    }
}

TEST_F(server_side, min_version_1_3_refuses_1_2) {
    settings.certificates = {
        files_for(directory, "a", make_certificate({.names = {"DNS:a.example"}}))};
    settings.min_version = conf::tls_version::v1_3;
    const auto server = build();
    ASSERT_TRUE(server) << text_of(problems);
    const auto client = plain_client();
    tls_pair newer(client.get(), server->context());
    EXPECT_TRUE(newer.shake());
    ASSERT_EQ(SSL_CTX_set_max_proto_version(client.get(), TLS1_2_VERSION), 1);
    tls_pair older(client.get(), server->context());
    EXPECT_FALSE(older.shake());
}

TEST_F(server_side, client_cannot_renegotiate) {
    settings.certificates = {
        files_for(directory, "a", make_certificate({.names = {"DNS:a.example"}}))};
    const auto server = build();
    ASSERT_TRUE(server) << text_of(problems);
    const auto client = plain_client();
    ASSERT_EQ(SSL_CTX_set_max_proto_version(client.get(), TLS1_2_VERSION), 1);
    tls_pair pair(client.get(), server->context());
    ASSERT_TRUE(pair.shake());
    ASSERT_EQ(SSL_renegotiate(pair.client.get()), 1);
    EXPECT_LT(SSL_do_handshake(pair.client.get()), 0);
    char byte = 0;
    EXPECT_LT(SSL_read(pair.server.get(), &byte, 1), 0);
    EXPECT_LT(SSL_read(pair.client.get(), &byte, 1), 0);
    EXPECT_THAT(last_error(), HasSubstr("no renegotiation"));
}

TEST_F(server_side, negotiates_alpn) {
    settings.certificates = {
        files_for(directory, "a", make_certificate({.names = {"DNS:a.example"}}))};
    const auto server = build();
    ASSERT_TRUE(server) << text_of(problems);
    struct offer {
        std::string_view protocols;
        bool accepted;
        std::string_view chosen;
    };
    using namespace std::string_view_literals;
    const offer offers[] = {
        {""sv, true, ""sv},
        {"\x08http/1.1"sv, true, "http/1.1"sv},
        {"\x02h2\x08http/1.1"sv, true, "http/1.1"sv},
        {"\x08http/1.0\x08http/1.1"sv, true, "http/1.1"sv},
        {"\x08http/1.0"sv, true, "http/1.0"sv},
        {"\x02h2"sv, false, ""sv},
    };
    for (const offer& offered : offers) {
        SCOPED_TRACE(offered.protocols);
        const auto client = plain_client();
        tls_pair pair(client.get(), server->context());
        ASSERT_EQ(
            SSL_set_alpn_protos(pair.client.get(),
                                reinterpret_cast<const unsigned char*>(offered.protocols.data()),
                                static_cast<unsigned>(offered.protocols.size())),
            0);
        EXPECT_EQ(pair.shake(), offered.accepted);
        const unsigned char* chosen = nullptr;
        unsigned length = 0;
        SSL_get0_alpn_selected(pair.client.get(), &chosen, &length);
        EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(chosen), length), offered.chosen);
        if (!offered.accepted) {
            EXPECT_THAT(pair.client_error, HasSubstr("no application protocol"));
        }
    }
}

// Keeps the sessions that a client is given.
struct session_shelf {
    std::vector<SSL_SESSION*> sessions;
    ~session_shelf() {
        for (SSL_SESSION* session : sessions)
            SSL_SESSION_free(session);
    }
    static int keep(SSL* ssl, SSL_SESSION* session) {
        // A copy: SSL_free marks the session of a connection that was not shut down as unusable.
        static_cast<session_shelf*>(SSL_get_app_data(ssl))
            ->sessions.push_back(SSL_SESSION_dup(session));
        return 0;
    }
};

TEST_F(server_side, resumes_with_one_ticket_across_sni_and_reload) {
    const auto first = make_certificate({.common_name = "first", .names = {"DNS:a.example"}});
    const auto second = make_certificate({.common_name = "second", .names = {"DNS:b.example"}});
    settings.certificates = {files_for(directory, "first", first),
                             files_for(directory, "second", second)};
    auto server = build();
    ASSERT_TRUE(server) << text_of(problems);

    for (const auto version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        SCOPED_TRACE(version);
        session_shelf shelf;
        const auto client = plain_client();
        ASSERT_EQ(SSL_CTX_set_max_proto_version(client.get(), version), 1);
        SSL_CTX_set_session_cache_mode(client.get(),
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(client.get(), session_shelf::keep);
        const auto connect = [&](SSL_SESSION* offered) {
            tls_pair pair(client.get(), server->context());
            SSL_set_app_data(pair.client.get(), &shelf);
            set_server_name(pair.client.get(), "b.example");
            if (offered != nullptr) {
                SSL_SESSION* copy = SSL_SESSION_dup(offered);
                EXPECT_EQ(SSL_set_session(pair.client.get(), copy), 1);
                SSL_SESSION_free(copy);
            }
            EXPECT_TRUE(pair.shake()) << pair.client_error << pair.server_error;
            return SSL_session_reused(pair.client.get()) == 1;
        };
        EXPECT_FALSE(connect(nullptr));
        ASSERT_EQ(shelf.sessions.size(), 1U) << "one ticket for each handshake";
        EXPECT_TRUE(connect(shelf.sessions.back()));
        if (version == TLS1_3_VERSION) {
            EXPECT_EQ(shelf.sessions.size(), 2U) << "a resumption brings the next ticket";
        }

        // A reload with the same certificates; the old snapshot is gone.
        server = build();
        ASSERT_TRUE(server);
        EXPECT_TRUE(connect(shelf.sessions.back()));

        // Other certificates: the ticket is worth nothing, the handshake is a full one.
        const auto before = settings.certificates;
        settings.certificates.pop_back();
        server = build();
        ASSERT_TRUE(server);
        EXPECT_FALSE(connect(shelf.sessions.back()));
        settings.certificates = before;
        server = build();
    }
}

TEST_F(server_side, a_handshake_outlives_its_snapshot) {
    settings.certificates = {files_for(directory, "a", make_certificate({.common_name = "a"})),
                             files_for(directory, "b", make_certificate({.common_name = "b"}))};
    auto server = build();
    ASSERT_TRUE(server) << text_of(problems);
    const auto client = plain_client();
    tls_pair pair(client.get(), server->context());
    set_server_name(pair.client.get(), "b");
    server.reset();
    keys.reset();
    ASSERT_TRUE(pair.shake()) << pair.server_error;
    EXPECT_EQ(common_name(SSL_get0_peer_certificate(pair.client.get())), "b");
}

TEST_F(server_side, says_all_that_is_wrong) {
    const auto good = make_certificate({.names = {"DNS:a.example"}});
    const auto other = make_certificate({.names = {"DNS:b.example"}});
    const auto weak = make_certificate({.names = {"DNS:c.example"}, .key = key_kind::rsa_1024});
    const auto good_files = files_for(directory, "good", good);
    const auto damaged = directory.write("damaged.pem", good.pem() + good.pem().substr(0, 90));
    const auto at = [&](const char* name) { return (directory.path() / name).string(); };

    struct row {
        conf::certificate_files files;
        std::string expected;
        std::string key = "certificates[0].certificate";
    };
    const std::string key = "certificates[0].key";
    const row rows[] = {
        {{at("missing.pem"), good_files.key, {1, 1}}, "missing.pem: No such file or directory"},
        {{good_files.certificate, at("missing.key"), {1, 1}},
         "missing.key: No such file or directory",
         key},
        {{directory.path().string(), good_files.key, {1, 1}}, "Is a directory"},
        {{directory.write("empty.pem", ""), good_files.key, {1, 1}}, "no certificate in PEM form"},
        {{damaged, good_files.key, {1, 1}}, "certificate number 2 is damaged"},
        {{good_files.certificate, good_files.certificate, {1, 1}},
         "no private key in PEM form",
         key},
        {{good_files.certificate, directory.write("other.key", other.key_pem()), {1, 1}},
         "the key does not belong to the certificate",
         key},
        {{directory.write("order.pem", other.pem() + good.pem()), good_files.key, {1, 1}},
         "belongs to certificate number 2"},
        {{directory.write("big.pem", std::string(1024 * 1024 + 1, 'x')), good_files.key, {1, 1}},
         "larger than 1 MiB"},
        {files_for(directory, "weak", weak), "key too small"},
    };
    for (const row& wrong : rows) {
        SCOPED_TRACE(wrong.expected);
        settings.certificates = {wrong.files};
        problems.clear();
        EXPECT_FALSE(build());
        EXPECT_THAT(text_of(problems), HasSubstr(wrong.expected));
        ASSERT_EQ(problems.size(), 1U) << text_of(problems);
        EXPECT_EQ(problems[0].severity, tls_severity::error);
        EXPECT_EQ(problems[0].key, wrong.key);
        EXPECT_THAT(last_error(), IsEmpty()) << "nothing is left in the error queue";
    }

    settings.certificates = {rows[0].files, {at("missing.pem"), at("missing.key"), {}}};
    problems.clear();
    EXPECT_FALSE(build());
    ASSERT_EQ(problems.size(), 3U) << text_of(problems);
    EXPECT_EQ(problems[1].key, "certificates[1].certificate");
    EXPECT_EQ(problems[2].key, "certificates[1].key");
}

TEST_F(server_side, never_asks_for_a_passphrase) {
    const auto made = make_certificate({.names = {"DNS:a.example"}});
    std::FILE* file = std::fopen((directory.path() / "locked.key").c_str(), "w");
    ASSERT_NE(file, nullptr);
    char secret[] = "secret";
    EXPECT_EQ(PEM_write_PrivateKey(file, made.key.get(), EVP_aes_128_cbc(),
                                   reinterpret_cast<unsigned char*>(secret), 6, nullptr, nullptr),
              1);
    std::fclose(file);
    settings.certificates = {
        {directory.write("a.pem", made.pem()), (directory.path() / "locked.key").string(), {}}};
    EXPECT_FALSE(build());
    EXPECT_THAT(text_of(problems), HasSubstr("the key is encrypted"));
}

TEST_F(server_side, one_file_may_hold_certificate_and_key) {
    const auto made = make_certificate({.names = {"DNS:a.example"}});
    settings.certificates = {{directory.write("both.pem", made.key_pem() + made.pem()), "", {}}};
    EXPECT_TRUE(build()) << text_of(problems);
}

TEST_F(server_side, warns_and_works) {
    const auto root = make_certificate({.common_name = "root", .authority = true});
    const auto leaf = make_certificate({.names = {"DNS:a.example"}}, &root);
    const auto expired =
        make_certificate({.names = {"DNS:a.example"}, .not_after = "20210101000000Z"});
    const auto future =
        make_certificate({.names = {"DNS:a.example"}, .not_before = "20980101000000Z"});
    const auto stranger = make_certificate({.common_name = "stranger", .authority = true});
    const auto nameless = make_certificate({.common_name = "has blanks"});
    const std::pair<conf::certificate_files, const char*> cases[] = {
        {files_for(directory, "expired", expired), "has expired"},
        {files_for(directory, "future", future), "is not valid yet"},
        {files_for(directory, "chain", leaf, stranger.pem() + root.pem()),
         "number 1 is not issued by"},
        {files_for(directory, "nameless", nameless), "names no host"},
    };
    for (const auto& [files, expected] : cases) {
        settings.certificates = {files};
        problems.clear();
        EXPECT_TRUE(build()) << expected << text_of(problems);
        EXPECT_THAT(text_of(problems), HasSubstr(expected));
        for (const tls_problem& problem : problems)
            EXPECT_EQ(problem.severity, tls_severity::warning) << problem.what;
    }
}

TEST_F(server_side, a_listener_without_certificates_is_an_error) {
    EXPECT_FALSE(build());
    EXPECT_THAT(text_of(problems), HasSubstr("no certificate is configured"));
}

// --- towards nodes

class node_side : public testing::Test {
  protected:
    // The outcome of one handshake of `node` with a server that shows `own`: "" or the verdict.
    std::string outcome(const conf::node& node, const test_certificate& own,
                        std::vector<X509*> intermediates = {}) {
        problems.clear();
        const auto context = node_tls_context::build(node, problems);
        if (!context)
            return text_of(problems);
        const auto server = plain_server(own);
        for (X509* one : intermediates)
            EXPECT_EQ(SSL_CTX_add1_to_CA_list(server.get(), one) == 1 &&
                          SSL_CTX_ctrl(server.get(), SSL_CTRL_CHAIN_CERT, 1, one) == 1,
                      true);
        tls_pair pair(context->context(), server.get());
        EXPECT_TRUE(context->prepare(pair.client.get()));
        const bool good = pair.shake();
        const std::string verdict = context->verdict(pair.client.get());
        EXPECT_EQ(good, verdict.empty()) << pair.client_error << pair.server_error;
        return verdict;
    }

    temp_directory directory;
    std::vector<tls_problem> problems;
    test_certificate root = make_certificate({.common_name = "root", .authority = true});
    test_certificate cup = make_certificate({.common_name = "cup"});
    std::string root_file = directory.write("root.pem", root.pem());
};

TEST_F(node_side, verifies_chain_and_name_by_default) {
    const auto named =
        make_certificate({.common_name = "node",
                          .names = {"DNS:node-a1.example.com", "IP:192.0.2.7", "IP:2001:db8::7"}},
                         &root);
    const auto wild = make_certificate({.names = {"DNS:*.example.com"}}, &root);
    const auto partial = make_certificate({.names = {"DNS:node-*.example.com"}}, &root);
    const auto by_cn = make_certificate({.common_name = "node-a1.example.com"}, &root);
    const auto expired = make_certificate(
        {.names = {"DNS:node-a1.example.com"}, .not_after = "20210101000000Z"}, &root);
    const auto self_signed =
        make_certificate({.common_name = "cup", .names = {"DNS:node-a1.example.com"}});
    const auto own_file = directory.write("own.pem", self_signed.pem());

    struct row {
        const char* name;
        const test_certificate* own;
        std::string host;
        std::string ca_file;
        std::string expected; // part of the verdict; empty: accepted
    };
    const row rows[] = {
        {"good", &named, "node-a1.example.com", root_file, ""},
        {"other case", &named, "NODE-A1.example.com", root_file, ""},
        {"trailing dot", &named, "node-a1.example.com.", root_file, ""},
        {"IPv4", &named, "192.0.2.7", root_file, ""},
        {"IPv6", &named, "2001:db8::7", root_file, ""},
        {"wildcard", &wild, "node-a1.example.com", root_file, ""},
        {"common name", &by_cn, "node-a1.example.com", root_file, ""},
        {"the node's own certificate as anchor", &self_signed, "node-a1.example.com", own_file, ""},
        {"partial wildcard", &partial, "node-a1.example.com", root_file,
         "expected node-a1.example.com"},
        {"wrong name", &named, "node-b1.example.com", root_file,
         "expected node-b1.example.com, it is for node-a1.example.com, 192.0.2.7, 2001:db8::7"},
        {"wrong address", &named, "192.0.2.8", root_file, "expected 192.0.2.8"},
        {"address of a certificate by name", &wild, "192.0.2.7", root_file,
         "it is for *.example.com"},
        {"wrong CA", &named, "node-a1.example.com", own_file,
         "unable to get local issuer certificate"},
        {"system store", &named, "node-a1.example.com", "",
         "unable to get local issuer certificate"},
        {"self-signed", &self_signed, "node-a1.example.com", "", "self-signed certificate"},
        {"expired", &expired, "node-a1.example.com", root_file, "certificate has expired"},
    };
    for (const row& tried : rows) {
        SCOPED_TRACE(tried.name);
        conf::node node = node_at(tried.host);
        node.tls.ca_file = tried.ca_file;
        const std::string verdict = outcome(node, *tried.own);
        if (tried.expected.empty()) {
            EXPECT_EQ(verdict, "");
            continue;
        }
        EXPECT_THAT(verdict, HasSubstr(tried.expected));
        EXPECT_THAT(verdict,
                    HasSubstr("pins: [\"" + spki_pin(tried.own->certificate.get()) + "\"]"));
    }
}

TEST_F(node_side, an_intermediate_alone_is_an_anchor) {
    const auto middle = make_certificate({.common_name = "middle", .authority = true}, &root);
    const auto leaf = make_certificate({.names = {"DNS:node-a1.example.com"}}, &middle);
    conf::node node = node_at("node-a1.example.com");
    node.tls.ca_file = directory.write("middle.pem", middle.pem());
    EXPECT_EQ(outcome(node, leaf), "");
    node.tls.ca_file = root_file;
    EXPECT_THAT(outcome(node, leaf), HasSubstr("unable to get local issuer"));
    EXPECT_EQ(outcome(node, leaf, {middle.certificate.get()}), "");
}

TEST_F(node_side, name_overrides) {
    const auto own = make_certificate({.names = {"DNS:inside.example.com"}}, &root);
    conf::node node = node_at("10.0.0.22");
    node.tls.ca_file = root_file;
    EXPECT_THAT(outcome(node, own), HasSubstr("expected 10.0.0.22"));
    for (const char* host : {"inside.example.com", "inside.example.com:7335"}) {
        node.host = host;
        EXPECT_EQ(outcome(node, own), "") << host;
    }
    node.host = "wrong.example.com";
    EXPECT_THAT(outcome(node, own), HasSubstr("expected wrong.example.com"));
    node.tls.server_name = "inside.example.com"; // wins over host
    EXPECT_EQ(outcome(node, own), "");
    node.tls.server_name.clear();
    node.host = "[2001:db8::7]:7335";
    EXPECT_THAT(outcome(node, own), HasSubstr("expected 2001:db8::7"));
}

TEST_F(node_side, a_pin_replaces_chain_and_name) {
    const auto own = make_certificate({.common_name = "cup", .not_after = "20210101000000Z"});
    const auto other = make_certificate({.common_name = "other"});
    const std::string right = spki_pin(own.certificate.get());
    const std::string wrong = spki_pin(other.certificate.get());
    conf::node node = node_at("node-a1.example.com");
    for (const auto& pins :
         {std::vector{right}, std::vector{wrong, right}, std::vector{right, wrong}}) {
        node.tls.pins = pins;
        EXPECT_EQ(outcome(node, own), "");
    }
    node.tls.pins = {wrong};
    EXPECT_THAT(outcome(node, own),
                testing::AllOf(HasSubstr("CN=cup"), HasSubstr("its key " + right),
                               HasSubstr("none of the 1 configured pin;")));
    // A pin decides even where verification is said to be off.
    node.tls.verify = false;
    EXPECT_THAT(outcome(node, own), HasSubstr("its key " + right));
    EXPECT_THAT(problems, IsEmpty()) << "pinned is not unverified: no warning";
}

TEST_F(node_side, a_malformed_pin_is_an_error) {
    const std::string right = spki_pin(root.certificate.get());
    for (const std::string& pin :
         {std::string("sha256//"), right.substr(1), right.substr(0, right.size() - 1), right + "=",
          right.substr(0, right.size() - 2) + "==", "sha256//" + std::string(43, '!') + "=",
          std::string("sha1//") + right.substr(8)}) {
        conf::node node = node_at("node-a1.example.com");
        node.tls.pins = {pin};
        problems.clear();
        EXPECT_FALSE(node_tls_context::build(node, problems)) << pin;
        EXPECT_THAT(text_of(problems), HasSubstr("error: tls.pins[0]: "));
    }
}

TEST_F(node_side, verify_off_takes_anything_and_warns) {
    conf::node node = node_at("node-a1.example.com");
    node.tls.verify = false;
    EXPECT_EQ(outcome(node, make_certificate({.common_name = "x", .not_after = "20210101000000Z"})),
              "");
    EXPECT_THAT(text_of(problems), HasSubstr("warning: tls.verify: is off"));
}

TEST_F(node_side, ca_file_problems_are_errors) {
    const std::pair<std::string, const char*> cases[] = {
        {(directory.path() / "none.pem").string(), "No such file"},
        {directory.write("text.pem", "hello"), "no certificate in PEM form"}};
    for (const auto& [file, expected] : cases) {
        conf::node node = node_at("node-a1.example.com");
        node.tls.ca_file = file;
        EXPECT_THAT(outcome(node, root),
                    testing::AllOf(HasSubstr("error: tls.ca_file: "), HasSubstr(expected)));
    }
}

TEST_F(node_side, sends_sni_but_never_an_address) {
    const std::tuple<const char*, const char*, const char*> cases[] = {
        {"node-a1.example.com", "", "node-a1.example.com"},
        {"node-a1.example.com.", "", "node-a1.example.com"},
        {"10.0.0.22", "", ""},
        {"2001:db8::7", "", ""},
        {"10.0.0.22", "inside.example.com", "inside.example.com"},
    };
    for (const auto& [host, server_name, expected] : cases) {
        conf::node node = node_at(host);
        node.tls.server_name = server_name;
        node.tls.verify = false;
        const auto context = node_tls_context::build(node, problems);
        ASSERT_TRUE(context);
        const auto server = plain_server(cup);
        tls_pair pair(context->context(), server.get());
        ASSERT_TRUE(context->prepare(pair.client.get()));
        ASSERT_TRUE(pair.shake());
        const char* sent = SSL_get_servername(pair.server.get(), TLSEXT_NAMETYPE_host_name);
        EXPECT_EQ(std::string(sent != nullptr ? sent : ""), expected) << host;
    }
}

TEST_F(node_side, legacy_reaches_old_nodes_only_when_asked) {
    const auto old_key = make_certificate({.common_name = "cup8", .key = key_kind::rsa_1024});
    struct row {
        const char* name;
        int version;
        const char* ciphers;
    };
    const row rows[] = {
        {"TLS 1.0", TLS1_VERSION, "AES128-SHA:@SECLEVEL=0"},
        {"TLS 1.1", TLS1_1_VERSION, "AES128-SHA:@SECLEVEL=0"},
        {"TLS 1.2, RSA key exchange, short key", TLS1_2_VERSION, "AES128-SHA:@SECLEVEL=0"}};
    for (const row& old : rows) {
        SCOPED_TRACE(old.name);
        ssl_ctx_ptr server(SSL_CTX_new(TLS_server_method()));
        SSL_CTX_set_security_level(server.get(), 0);
        ASSERT_EQ(SSL_CTX_set_min_proto_version(server.get(), old.version), 1);
        ASSERT_EQ(SSL_CTX_set_max_proto_version(server.get(), old.version), 1);
        ASSERT_EQ(SSL_CTX_set_cipher_list(server.get(), old.ciphers), 1);
        ASSERT_EQ(SSL_CTX_use_certificate(server.get(), old_key.certificate.get()), 1)
            << last_error();
        ASSERT_EQ(SSL_CTX_use_PrivateKey(server.get(), old_key.key.get()), 1);
        for (const bool legacy : {false, true}) {
            conf::node node = node_at("node-a1.example.com");
            node.tls.pins = {spki_pin(old_key.certificate.get())};
            node.tls.legacy = legacy;
            problems.clear();
            const auto context = node_tls_context::build(node, problems);
            ASSERT_TRUE(context) << text_of(problems);
            tls_pair pair(context->context(), server.get());
            ASSERT_TRUE(context->prepare(pair.client.get()));
            EXPECT_EQ(pair.shake(), legacy) << pair.client_error << " / " << pair.server_error;
            EXPECT_EQ(context->verdict(pair.client.get()), "");
            if (legacy) {
                EXPECT_EQ(SSL_version(pair.client.get()), old.version);
                EXPECT_THAT(text_of(problems), HasSubstr("warning: tls.legacy: is on"));
            } else if (old.version != TLS1_2_VERSION) {
                EXPECT_THAT(pair.client_error, HasSubstr("set tls: { legacy: true }"));
            }
        }
    }
}

TEST_F(node_side, resumes_again_and_again) {
    conf::node node = node_at("node-a1.example.com");
    node.tls.pins = {spki_pin(cup.certificate.get())};
    for (const auto version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        SCOPED_TRACE(version);
        const auto context = node_tls_context::build(node, problems);
        ASSERT_TRUE(context);
        const auto server = plain_server(cup);
        ASSERT_EQ(SSL_CTX_set_max_proto_version(server.get(), version), 1);
        const auto connect = [&] {
            tls_pair pair(context->context(), server.get());
            EXPECT_TRUE(context->prepare(pair.client.get()));
            EXPECT_TRUE(pair.shake()) << pair.client_error << pair.server_error;
            return SSL_session_reused(pair.client.get()) == 1;
        };
        EXPECT_FALSE(connect());
        for (int i = 0; i < 5; ++i)
            EXPECT_TRUE(connect()) << "handshake " << i;

        // Two links that are opened before the first one's next ticket comes.
        tls_pair one(context->context(), server.get());
        tls_pair two(context->context(), server.get());
        ASSERT_TRUE(context->prepare(one.client.get()) && context->prepare(two.client.get()));
        ASSERT_TRUE(one.shake() && two.shake());
        EXPECT_TRUE(SSL_session_reused(one.client.get()) && SSL_session_reused(two.client.get()));

        context->forget_session();
        EXPECT_FALSE(connect());
    }
}

TEST_F(node_side, cores_shake_hands_at_the_same_time) {
    conf::listener_tls listening;
    listening.certificates = {files_for(directory, "a", cup),
                              files_for(directory, "b", make_certificate({.common_name = "b"}))};
    const auto server = server_tls::build(listening, problems, std::make_shared<ticket_keys>());
    ASSERT_TRUE(server) << text_of(problems);
    conf::node node = node_at("cup");
    node.tls.pins = {spki_pin(cup.certificate.get())};
    const auto context = node_tls_context::build(node, problems);
    ASSERT_TRUE(context) << text_of(problems);
    std::atomic<int> good{0};
    std::atomic<int> resumed{0};
    {
        std::vector<std::jthread> threads;
        for (int core = 0; core < 4; ++core)
            threads.emplace_back([&] {
                for (int i = 0; i < 20; ++i) {
                    tls_pair pair(context->context(), server->context());
                    good += context->prepare(pair.client.get()) && pair.shake() ? 1 : 0;
                    resumed += SSL_session_reused(pair.client.get());
                    if (i == 10)
                        context->forget_session();
                }
            });
    }
    EXPECT_EQ(good, 80);
    EXPECT_GE(resumed, 60);
}

TEST_F(node_side, an_ssl_outlives_its_snapshot) {
    conf::node node = node_at("node-a1.example.com");
    node.tls.pins = {spki_pin(cup.certificate.get())};
    auto context = node_tls_context::build(node, problems);
    ASSERT_TRUE(context);
    const auto server = plain_server(cup);
    tls_pair pair(context->context(), server.get());
    ASSERT_TRUE(context->prepare(pair.client.get()));
    context.reset();
    EXPECT_TRUE(pair.shake()) << pair.client_error;
}

TEST_F(node_side, subjects_cannot_forge_a_log_line) {
    const auto own = make_certificate({.common_name = "evil\r\nadmin logged in \x1b[31m"});
    const std::string verdict = outcome(node_at("node-a1.example.com"), own);
    ASSERT_FALSE(verdict.empty());
    for (const char c : verdict)
        EXPECT_TRUE(c >= 0x20 && c < 0x7f) << verdict;
}

TEST(spki_pin, is_what_openssl_and_curl_print) {
    // openssl x509 -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary |
    // base64
    constexpr const char* pem = R"(-----BEGIN CERTIFICATE-----
MIIBcjCCARmgAwIBAgIUCkwZYmtpJe5JrlhxU3uPFjr/nIAwCgYIKoZIzj0EAwIw
DjEMMAoGA1UEAwwDcGluMCAXDTI2MTEyMjE1MTkzMloYDzIxMjYxMDI5MTUxOTMy
WjAOMQwwCgYDVQQDDANwaW4wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARrJ80w
acMZ+b7L6Djovw9/W1HXqrixjwSwqnnxC0+4fmUd0eMjwV9GHDkXzPUx5aKVEmMR
F3nhFfyrL02lX1D6o1MwUTAdBgNVHQ4EFgQUO37ZIStWUVzy+3d676qXsgKQnLsw
HwYDVR0jBBgwFoAUO37ZIStWUVzy+3d676qXsgKQnLswDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNHADBEAiACuGYFMPO4I4jpgZWc787p1PhFbbhj01pACOT4
o2GnfQIgDxsj+s0EI40WH7mEHjmsWBwuSzB969rvoQhRakEk+1Q=
-----END CERTIFICATE-----
)";
    BIO* source = BIO_new_mem_buf(pem, -1);
    X509* certificate = PEM_read_bio_X509(source, nullptr, nullptr, nullptr);
    BIO_free(source);
    ASSERT_NE(certificate, nullptr);
    EXPECT_EQ(spki_pin(certificate), "sha256//0dICSs0ij8nBtyIfKwvQIsYh3ODamYUXbId0+8uEIlA=");
    X509_free(certificate);
}

} // namespace
} // namespace boshgate::proxy
