// The section "listen".

#include "conf/address.hpp"
#include "conf/load_keys.hpp"

namespace boshgate::conf {

namespace {

constexpr std::string_view listen_wanted = "a list of listeners such as '- address: 0.0.0.0:8443'";
constexpr std::string_view tls_wanted = "a map such as { certificate: FILE, key: FILE }";

// certificate and key may stand in tls itself, or in a list for several host names.
struct tls_section {
    listener_tls out;
    certificate_files single;
    mark single_where;
    bool list_given = false;
};

constexpr std::array<key_of<certificate_files>, 2> certificate_keys{{
    {"certificate", read_member<&certificate_files::certificate>, "a PEM file with leaf and chain"},
    {"key", read_member<&certificate_files::key>, "a PEM file with the private key"},
}};

void read_single(reader& in, const place& at, tls_section& section, std::string& out) {
    if (section.single_where.line == 0) {
        section.single_where = at.key_where;
    }
    in.read(at, out);
}

void read_certificates(reader& in, const place& at, tls_section& section) {
    section.list_given = true;
    const auto items = in.items(at, "a list such as '- { certificate: FILE, key: FILE }'");
    if (!items) {
        return;
    }
    for (const place& item : *items) {
        certificate_files files;
        files.where = item.value.where;
        read_map(in, item, tls_wanted, certificate_keys, files);
        section.out.certificates.push_back(std::move(files));
    }
}

constexpr std::array<std::string_view, 2> version_words{"1.2", "1.3"};

constexpr std::array<key_of<tls_section>, 4> tls_keys{{
    {"certificate", [](reader& in, const place& at,
                       tls_section& s) { read_single(in, at, s, s.single.certificate); }},
    {"key",
     [](reader& in, const place& at, tls_section& s) { read_single(in, at, s, s.single.key); }},
    {"certificates", read_certificates},
    {"min_version",
     [](reader& in, const place& at, tls_section& s) {
         if (const auto index = in.one_of(at, version_words)) {
             s.out.min_version = *index == 0 ? tls_version::v1_2 : tls_version::v1_3;
         }
     }},
}};

void finish_tls(reader& in, const place& at, tls_section& section) {
    const bool single = section.single_where.line > 0;
    if (single && section.list_given) {
        in.report(
            section.single_where, child_path(at.path, "certificate"),
            {"stands beside certificates", "certificate and key, or a list certificates", {}});
        return;
    }
    if (section.list_given) {
        return;
    }
    if (!single) {
        in.missing(at, "certificate", "a PEM file with leaf and chain");
        return;
    }
    for (const auto& [name, value] :
         {std::pair{certificate_keys[0].name, &section.single.certificate},
          std::pair{certificate_keys[1].name, &section.single.key}}) {
        const bool given =
            std::any_of(at.value.entries.begin(), at.value.entries.end(),
                        [wanted = name](const tree_entry& e) { return e.key == wanted; });
        if (!given) {
            in.missing(at, name,
                       name == "key" ? certificate_keys[1].required : certificate_keys[0].required);
        }
    }
    section.single.where = section.single_where;
    section.out.certificates.push_back(section.single);
}

void read_tls(reader& in, const place& at, listener& out) {
    const auto entries = in.entries(at, tls_wanted);
    if (!entries) {
        return;
    }
    tls_section section;
    read_entries(in, at, *entries, tls_keys, section);
    finish_tls(in, at, section);
    out.tls = std::move(section.out);
}

void read_address(reader& in, const place& at, listener& out) {
    if (const auto bound = in.take(at, "an address such as 0.0.0.0:8443", parse_listen_address)) {
        out.host = bound->host;
        out.port = bound->port;
    }
}

constexpr std::array<key_of<listener>, 3> listener_keys{{
    {"address", read_address, "an address and a port such as 0.0.0.0:8443"},
    {"tls", read_tls},
    {"proxy_protocol", read_member<&listener::proxy_protocol>},
}};

} // namespace

void read_listeners(reader& in, const place& at, config& out) {
    const auto items = in.items(at, listen_wanted);
    if (!items) {
        return;
    }
    for (const place& item : *items) {
        listener made;
        made.where = item.value.where;
        read_map(in, item, listen_wanted, listener_keys, made);
        out.listen.push_back(std::move(made));
    }
}

void list_listener_keys(std::vector<std::string>& out) {
    list_keys(out, "listen[].", listener_keys);
    list_keys(out, "listen[].tls.", tls_keys);
    list_keys(out, "listen[].tls.certificates[].", certificate_keys);
}

} // namespace boshgate::conf
