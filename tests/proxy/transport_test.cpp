// A transport against an OpenSSL client in memory: what a peer can make it keep.

#include "proxy/transport.hpp"

#include "proxy/tls_context.hpp"
#include "tests/support/test_certificates.hpp"
#include "tests/support/tls_pair.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <tuple>

#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

namespace boshgate::tests {
namespace {

using proxy::handshake_state;
using proxy::io_state;
using proxy::shared_buffers;
using proxy::ssl_ctx_ptr;
using proxy::transport;

// The client's side of a socket pair, whose TLS is made by hand.
class TransportTls : public testing::Test {
  protected:
    void SetUp() override {
        std::array<int, 2> ends{};
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()),
                  0);
        const int small = 4096;
        ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        peer_ = ends[1];
        server_ = std::make_unique<transport>(ends[0]);
        const test_certificate certificate = make_certificate({.common_name = "proxy"});
        server_context_.reset(SSL_CTX_new(TLS_server_method()));
        SSL_CTX_use_certificate(server_context_.get(), certificate.certificate.get());
        SSL_CTX_use_PrivateKey(server_context_.get(), certificate.key.get());
        SSL* ssl = SSL_new(server_context_.get());
        SSL_set_accept_state(ssl);
        server_->start_tls(ssl, *buffers_);

        client_context_.reset(SSL_CTX_new(TLS_client_method()));
        client_.reset(SSL_new(client_context_.get()));
        SSL_set_bio(client_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_connect_state(client_.get());
        for (int i = 0; i < 10 && !(SSL_do_handshake(client_.get()) == 1 && shaken()); ++i) {
            std::ignore = server_->take(*buffers_, written());
            receive();
        }
        ASSERT_TRUE(shaken());
        ASSERT_EQ(SSL_version(client_.get()), TLS1_3_VERSION);
    }
    void TearDown() override { ::close(peer_); }

    [[nodiscard]] bool shaken() const { return server_->handshake() == handshake_state::done; }

    // written is what the client has to say.
    std::string written() {
        std::string bytes(64 * 1024, '\0');
        const int count = BIO_read(SSL_get_wbio(client_.get()), bytes.data(), 64 * 1024);
        bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        return bytes;
    }

    // receive hands the client what the transport has sent.
    void receive() {
        std::array<char, 4096> piece;
        while (true) {
            const ssize_t got = ::recv(peer_, piece.data(), piece.size(), 0);
            if (got > 0) {
                BIO_write(SSL_get_rbio(client_.get()), piece.data(), static_cast<int>(got));
            } else if (!server_->blocked() || !server_->flush()) {
                return;
            }
        }
    }

    // update has the client ask for one new key, and tells what the transport makes of it.
    io_state update() {
        EXPECT_EQ(SSL_key_update(client_.get(), SSL_KEY_UPDATE_REQUESTED), 1);
        EXPECT_EQ(SSL_do_handshake(client_.get()), 1);
        const std::string records = written();
        return server_->take(*buffers_, records).state;
    }

    int peer_ = -1;
    std::unique_ptr<shared_buffers> buffers_ = std::make_unique<shared_buffers>();
    std::unique_ptr<transport> server_;
    ssl_ctx_ptr server_context_;
    ssl_ctx_ptr client_context_;
    ssl_ptr client_;
};

TEST_F(TransportTls, KeyUpdatesWhoseAnswersNobodyReadsEndTheTransport) {
    int made = 0;
    while (made < 20'000 && update() == io_state::open) {
        ++made;
    }
    EXPECT_LT(made, 20'000) << server_->kept_bytes() << " bytes are kept";
    EXPECT_LT(server_->kept_bytes(), 64U * 1024);
}

TEST_F(TransportTls, KeyUpdatesOfAPeerThatReadsGoOn) {
    for (int i = 0; i < 1'000; ++i) {
        ASSERT_EQ(update(), io_state::open) << i;
        if (i % 100 == 0) {
            receive();
        }
    }
}

// Two records, in two pieces that are cut at every place: nothing may stay behind in OpenSSL.
TEST_F(TransportTls, RecordsComeOutWhereverTheyAreCut) {
    const std::string first(700, 'a');
    const std::string second(3, 'b');
    std::size_t length = 1;
    for (std::size_t cut = 0; cut <= length; ++cut) {
        for (const std::string& text : {first, second}) {
            ASSERT_EQ(SSL_write(client_.get(), text.data(), static_cast<int>(text.size())),
                      static_cast<int>(text.size()));
        }
        const std::string records = written();
        length = records.size();
        std::string read;
        for (const std::string& piece : {records.substr(0, cut), records.substr(cut)}) {
            const proxy::read_outcome got = server_->take(*buffers_, piece);
            ASSERT_EQ(got.state, io_state::open) << cut;
            read.append(got.data);
        }
        ASSERT_EQ(read, first + second) << cut;
    }
    EXPECT_GT(length, first.size() + second.size());
}

TEST_F(TransportTls, DataAndTheEndInOnePiece) {
    ASSERT_EQ(SSL_write(client_.get(), "last", 4), 4);
    SSL_shutdown(client_.get());
    const proxy::read_outcome got = server_->take(*buffers_, written());
    EXPECT_EQ(got.data, "last");
    EXPECT_EQ(got.state, io_state::ended);
    EXPECT_TRUE(server_->said_goodbye());
}

// What another transport of the thread has left in OpenSSL's queue is not this one's failure.
TEST_F(TransportTls, ErrorsOfOthersAreNotItsOwn) {
    ASSERT_EQ(SSL_write(client_.get(), "text", 4), 4);
    const std::string records = written();
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    EXPECT_EQ(server_->take(*buffers_, records.substr(0, 10)).state, io_state::open);
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    const proxy::read_outcome got = server_->take(*buffers_, records.substr(10));
    EXPECT_EQ(got.state, io_state::open);
    EXPECT_EQ(got.data, "text");
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    EXPECT_TRUE(server_->write(*buffers_, "answer"));
    ERR_clear_error();
}

} // namespace
} // namespace boshgate::tests
