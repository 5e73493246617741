#include "proxy/tls_parts.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>

#include <arpa/inet.h>
#include <fcntl.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace boshgate::proxy::tls_parts {
namespace {

constexpr std::size_t file_bytes_max = 1024 * 1024; // a full CA bundle is about 250 KiB
constexpr std::size_t subject_bytes_max = 256;

using names_ptr = std::unique_ptr<GENERAL_NAMES, releaser<GENERAL_NAMES_free>>;

void free_state(void*, void* held, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<context_state*>(held);
}

int state_index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_state);
    return index;
}

// Without this OpenSSL would ask on the terminal, and a service would hang at start.
int no_passphrase(char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

bool printable(std::string_view name) {
    return !name.empty() && name.size() <= 253 &&
           std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

void add_name(const ASN1_STRING* text, std::vector<std::string>& names) {
    std::string name(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<std::size_t>(ASN1_STRING_length(text)));
    if (!printable(name))
        return;
    for (char& c : name)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    names.push_back(std::move(name));
}

void add_address(const ASN1_OCTET_STRING* bytes, std::vector<std::string>& names) {
    char text[INET6_ADDRSTRLEN];
    const int length = ASN1_STRING_length(bytes);
    const int family = length == 4 ? AF_INET : length == 16 ? AF_INET6 : AF_UNSPEC;
    if (family != AF_UNSPEC &&
        inet_ntop(family, ASN1_STRING_get0_data(bytes), text, sizeof text) != nullptr)
        names.emplace_back(text);
}

} // namespace

bool attach(SSL_CTX* context, std::unique_ptr<context_state> owned) {
    if (SSL_CTX_set_ex_data(context, state_index(), owned.get()) != 1)
        return false;
    static_cast<void>(owned.release()); // free_state's now
    return true;
}

context_state* attached(const SSL_CTX* context) noexcept {
    return static_cast<context_state*>(SSL_CTX_get_ex_data(context, state_index()));
}

bool read_file(const std::string& path, std::string& bytes, std::string& problem) {
    const auto failed = [&](int error) {
        problem = path + ": " + std::generic_category().message(error);
        return false;
    };
    // Not blocking: a FIFO in the place of a certificate must not hang the start.
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return failed(errno);
    char chunk[16 * 1024];
    ssize_t count = 0;
    int error = 0;
    while (bytes.size() <= file_bytes_max) {
        count = ::read(descriptor, chunk, sizeof chunk);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            error = count < 0 ? errno : 0;
            break;
        }
        bytes.append(chunk, static_cast<std::size_t>(count));
    }
    ::close(descriptor);
    if (error != 0)
        return failed(error);
    if (bytes.size() > file_bytes_max) {
        problem = path + ": larger than 1 MiB, that is no certificate or key file";
        return false;
    }
    return true;
}

bool read_certificates(const std::string& path, std::vector<x509_ptr>& out, std::string& problem) {
    std::string bytes;
    if (!read_file(path, bytes, problem))
        return false;
    const bio_ptr source(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
    ERR_clear_error();
    for (;;) {
        x509_ptr certificate(PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr));
        if (!certificate)
            break;
        out.push_back(std::move(certificate));
    }
    const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (!at_end) {
        problem = path + ": certificate number " + std::to_string(out.size() + 1) + " is damaged";
        return false;
    }
    if (out.empty()) {
        problem = path + ": no certificate in PEM form (-----BEGIN CERTIFICATE-----) is in it";
        return false;
    }
    return true;
}

bool read_key(const std::string& path, pkey_ptr& out, std::string& problem) {
    std::string bytes;
    if (!read_file(path, bytes, problem))
        return false;
    const bio_ptr source(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
    bool encrypted = false;
    out.reset(PEM_read_bio_PrivateKey(source.get(), nullptr, no_passphrase, &encrypted));
    OPENSSL_cleanse(bytes.data(), bytes.size());
    ERR_clear_error();
    if (out)
        return true;
    problem = path + (encrypted ? ": the key is encrypted; store it without passphrase, readable "
                                  "for boshgate alone"
                                : ": no private key in PEM form (-----BEGIN PRIVATE KEY-----) is "
                                  "in it");
    return false;
}

std::vector<std::string> names_of(X509* certificate) {
    std::vector<std::string> names;
    const names_ptr listed(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; i < sk_GENERAL_NAME_num(listed.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(listed.get(), i);
        if (name->type == GEN_DNS)
            add_name(name->d.dNSName, names);
        else if (name->type == GEN_IPADD)
            add_address(name->d.iPAddress, names);
    }
    if (!names.empty())
        return names;
    const X509_NAME* subject = X509_get_subject_name(certificate);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at >= 0)
        add_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), names);
    return names;
}

std::string subject_of(X509* certificate) {
    const bio_ptr sink(BIO_new(BIO_s_mem()));
    if (!sink ||
        X509_NAME_print_ex(sink.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0)
        return "?";
    char* text = nullptr;
    const long length = BIO_get_mem_data(sink.get(), &text);
    std::string subject(text, static_cast<std::size_t>(std::max(length, 0L)));
    if (subject.size() > subject_bytes_max)
        subject.replace(subject_bytes_max - 3, std::string::npos, "...");
    return subject.empty() ? "(empty subject)" : subject;
}

std::int64_t expiry_of(X509* certificate) {
    std::tm broken_down{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &broken_down) != 1)
        return 0;
    return static_cast<std::int64_t>(timegm(&broken_down));
}

} // namespace boshgate::proxy::tls_parts
