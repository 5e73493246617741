#include "proxy/transport.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

namespace boshgate::proxy {
namespace {

// clear_errors leaves nothing in the thread's queue that SSL_get_error could take for a failure of
// the call that follows. The queue is nearly always empty, and ERR_clear_error walks all of it.
void clear_errors() noexcept {
    if (ERR_peek_error() != 0) {
        ERR_clear_error();
    }
}

// The BIO under every SSL: reads from the core's records_in, appends to the core's records_out,
// never blocks on writing.

int bio_read(BIO* bio, char* out, int size) {
    auto& buffers = *static_cast<shared_buffers*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (buffers.records_in.empty()) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const std::size_t count = std::min(buffers.records_in.size(), static_cast<std::size_t>(size));
    std::memcpy(out, buffers.records_in.data(), count);
    buffers.records_in.remove_prefix(count);
    return static_cast<int>(count);
}

int bio_write(BIO* bio, const char* data, int size) {
    auto& buffers = *static_cast<shared_buffers*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    buffers.records_out.append(data, static_cast<std::size_t>(size));
    return size;
}

long bio_control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int bio_create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD* bio_method() {
    static BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "core buffers");
        BIO_meth_set_read(made, bio_read);
        BIO_meth_set_write(made, bio_write);
        BIO_meth_set_ctrl(made, bio_control);
        BIO_meth_set_create(made, bio_create);
        return made;
    }();
    return method;
}

constexpr std::size_t records_out_kept =
    256 * 1024; // capacity of records_out that survives a large message
constexpr std::size_t record_payload = 16 * 1024;
constexpr std::size_t unasked_max = 16 * 1024;

} // namespace

transport::~transport() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
    SSL_free(ssl_);
}

void transport::start_tls(SSL* ssl, shared_buffers& buffers) {
    BIO* bio = BIO_new(bio_method());
    BIO_set_data(bio, &buffers);
    SSL_set_bio(ssl, bio, bio);
    ssl_ = ssl;
    handshake_ = handshake_state::running;
}

bool transport::send_or_keep(std::string_view bytes) {
    if (kept_) {
        kept_->bytes.append(bytes);
        return true;
    }
    while (!bytes.empty()) {
        const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno == EINTR) {
            continue;
        }
        if (errno != EAGAIN) {
            write_failed_ = true;
            return false;
        }
        kept_ = std::make_unique<kept_bytes_t>();
        kept_->bytes.assign(bytes);
        return true;
    }
    return true;
}

bool transport::send_records(shared_buffers& buffers) {
    if (buffers.records_out.empty()) {
        return true;
    }
    const bool sent = send_or_keep(buffers.records_out);
    if (buffers.records_out.capacity() > records_out_kept) {
        std::string().swap(buffers.records_out);
    }
    buffers.records_out.clear();
    return sent;
}

io_state transport::step_handshake(shared_buffers& buffers) {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_);
    const int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_, result);
    const bool sent = send_records(buffers); // of a failure too: the alert
    if (result == 1) {
        handshake_ = handshake_state::done;
    } else if (error != SSL_ERROR_WANT_READ) {
        handshake_ = handshake_state::failed;
        return io_state::broken;
    }
    return sent ? io_state::open : io_state::broken;
}

io_state transport::begin_handshake(shared_buffers& buffers) {
    buffers.records_in = {};
    return step_handshake(buffers);
}

void transport::decrypt(shared_buffers& buffers, read_outcome& outcome) {
    std::size_t got = 0;
    clear_errors();
    while (got < buffers.plain.size()) {
        const int count = SSL_read(ssl_, buffers.plain.data() + got,
                                   static_cast<int>(buffers.plain.size() - got));
        if (count > 0) {
            got += static_cast<std::size_t>(count);
            if (buffers.records_in.empty() && SSL_has_pending(ssl_) == 0) {
                break; // another call would only take a record buffer and give it back
            }
            continue;
        }
        const int error = SSL_get_error(ssl_, count);
        if (error == SSL_ERROR_ZERO_RETURN) {
            outcome.state = io_state::ended;
        } else if (error != SSL_ERROR_WANT_READ) {
            outcome.state = io_state::broken;
        }
        break;
    }
    outcome.data = {buffers.plain.data(), got};
    // Alerts and answers to key updates. A peer that asks for them without end and reads none must
    // not fill the memory.
    const std::size_t unasked = buffers.records_out.size();
    if (!send_records(buffers)) {
        outcome.state = io_state::broken;
    } else if (unasked != 0 && blocked()) {
        if (unasked > unasked_max - unasked_) {
            outcome.state = io_state::broken;
        } else {
            unasked_ = static_cast<std::uint16_t>(unasked_ + unasked);
        }
    }
}

read_outcome transport::read(shared_buffers& buffers) {
    read_outcome outcome;
    ssize_t got = 0;
    do {
        got = ::recv(descriptor_, buffers.wire.data(), buffers.wire.size(), 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        outcome.state = errno == EAGAIN ? io_state::open : io_state::broken;
        return outcome;
    }
    if (got == 0) {
        outcome.state = io_state::ended;
        return outcome;
    }
    const auto count = static_cast<std::size_t>(got);
    outcome = take(buffers, {buffers.wire.data(), count});
    outcome.drained = count < buffers.wire.size();
    return outcome;
}

read_outcome transport::take(shared_buffers& buffers, std::string_view bytes) {
    read_outcome outcome;
    outcome.wire = bytes.size();
    if (ssl_ == nullptr) {
        outcome.data = bytes;
        return outcome;
    }
    buffers.records_in = bytes;
    if (handshake_ == handshake_state::running) {
        outcome.state = step_handshake(buffers);
        if (handshake_ != handshake_state::done) {
            return outcome;
        }
    }
    if (outcome.state == io_state::open) {
        decrypt(buffers, outcome);
    }
    return outcome;
}

bool transport::write(shared_buffers& buffers, std::string_view data) {
    if (ssl_ == nullptr) {
        return send_or_keep(data);
    }
    clear_errors();
    while (!data.empty()) {
        const std::string_view piece = data.substr(0, record_payload);
        const int written = SSL_write(ssl_, piece.data(), static_cast<int>(piece.size()));
        if (written <= 0) {
            write_failed_ = true;
            return false;
        }
        data.remove_prefix(static_cast<std::size_t>(written));
    }
    return send_records(buffers);
}

bool transport::flush() {
    while (kept_) {
        const std::string_view rest = std::string_view(kept_->bytes).substr(kept_->sent);
        if (rest.empty()) {
            kept_.reset();
            unasked_ = 0;
            break;
        }
        const ssize_t sent = ::send(descriptor_, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            kept_->sent += static_cast<std::size_t>(sent);
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            write_failed_ = true;
            return false;
        }
    }
    return true;
}

std::int64_t transport::send_file(shared_buffers& buffers, int file, std::uint64_t offset,
                                  std::uint64_t count) {
    if (ssl_ == nullptr) {
        auto at = static_cast<off_t>(offset);
        const std::size_t piece = std::min<std::uint64_t>(count, 1024 * 1024);
        ssize_t sent = 0;
        do {
            sent = ::sendfile(descriptor_, file, &at, piece);
        } while (sent < 0 && errno == EINTR);
        if (sent < 0 && errno == EAGAIN) {
            return 0;
        }
        write_failed_ = sent < 0 && errno != EIO; // that one is the file's
        return sent <= 0 ? -1 : sent;
    }
    const std::size_t piece = std::min<std::uint64_t>(count, buffers.wire.size());
    const ssize_t got = ::pread(file, buffers.wire.data(), piece, static_cast<off_t>(offset));
    if (got <= 0 || !write(buffers, {buffers.wire.data(), static_cast<std::size_t>(got)})) {
        return -1;
    }
    return got;
}

void transport::end_writing(shared_buffers& buffers) noexcept {
    if (ssl_ != nullptr && handshake_ == handshake_state::done && !blocked() && !write_failed_) {
        ERR_clear_error();
        SSL_shutdown(ssl_);
        [[maybe_unused]] const bool sent = send_records(buffers);
    }
    ::shutdown(descriptor_, SHUT_WR);
}

void transport::close(shared_buffers& buffers, bool politely) noexcept {
    if (descriptor_ < 0) {
        return;
    }
    if (politely && ssl_ != nullptr && handshake_ == handshake_state::done && !blocked() &&
        !write_failed_) {
        ERR_clear_error();
        SSL_shutdown(ssl_);
        [[maybe_unused]] const bool sent = send_records(buffers);
    }
    ::close(descriptor_);
    descriptor_ = -1;
    kept_.reset();
}

void transport::reset() noexcept {
    if (descriptor_ >= 0) {
        const linger now{1, 0};
        ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        ::close(descriptor_);
        descriptor_ = -1;
        kept_.reset();
    }
}

} // namespace boshgate::proxy
