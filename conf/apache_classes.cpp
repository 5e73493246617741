// What most lines of an httpd.conf are: settings of parts of Apache that boshgate has no
// counterpart for.

#include "conf/apache_site.hpp"

#include "conf/problem.hpp"

#include <algorithm>
#include <array>

namespace boshgate::conf {

namespace {

struct entry {
    std::string_view name;
    std::string_view text;
};

// One word for each part of Apache. A name that ends in * stands for all that start so.
constexpr entry unrelated[] = {
    {"acceptfilter", "process"},
    {"acceptmutex", "process"},
    {"acceptpathinfo", "files"},
    {"accessfilename", "files"},
    {"addalt*", "files"},
    {"addcharset", "files"},
    {"adddefaultcharset", "files"},
    {"adddescription", "files"},
    {"addencoding", "files"},
    {"addicon*", "files"},
    {"addlanguage", "files"},
    {"addoutputfilter*", "compression"},
    {"addtype", "files"},
    {"allowencodedslashes", "paths"},
    {"allowoverride*", "files"},
    {"asyncrequestworkerfactor", "process"},
    {"brotli*", "compression"},
    {"browsermatch*", "environment"},
    {"bufferedlogs", "logging"},
    {"buffersize", "process"},
    {"cache*", "caching"},
    {"casefilter*", "compression"},
    {"charset*", "files"},
    {"check*", "files"},
    {"chrootdir", "process"},
    {"clearmodulelist", "module"},
    {"contentdigest", "files"},
    {"cookie*", "logging"},
    {"coredumpdirectory", "process"},
    {"customlog", "logging"},
    {"dbd*", "process"},
    {"defaulticon", "files"},
    {"defaultlanguage", "files"},
    {"defaultruntimedir", "process"},
    {"defaulttype", "files"},
    {"deflate*", "compression"},
    {"directorycheckhandler", "files"},
    {"directoryindexredirect", "files"},
    {"directoryslash", "files"},
    {"dumpio*", "logging"},
    {"enablemmap", "files"},
    {"enablesendfile", "files"},
    {"errorlog*", "logging"},
    {"expires*", "files"},
    {"extendedstatus", "process"},
    {"fancyindexing", "files"},
    {"fileetag", "files"},
    {"filterchain", "compression"},
    {"filterdeclare", "compression"},
    {"filterprotocol", "compression"},
    {"filterprovider", "compression"},
    {"filtertrace", "compression"},
    {"flushmax*", "process"},
    {"forcelanguagepriority", "files"},
    {"forcetype", "files"},
    {"forensiclog", "logging"},
    {"globallog", "logging"},
    {"gracefulshutdowntimeout", "process"},
    {"group", "process"},
    {"h2*", "process"},
    {"headername", "files"},
    {"heartbeat*", "process"},
    {"hostnamelookups", "logging"},
    {"httpprotocoloptions", "framing"},
    {"identitycheck*", "logging"},
    {"imap*", "files"},
    {"index*", "files"},
    {"keepalive*", "process"},
    {"keptbodysize", "process"},
    {"languagepriority", "files"},
    {"limitinternalrecursion", "process"},
    {"limitxmlrequestbody", "files"},
    {"listenbacklog", "process"},
    {"listencoresbucketsratio", "process"},
    {"listentcpdeferaccept", "process"},
    {"loadfile", "module"},
    {"loadmodule", "module"},
    {"lockfile", "process"},
    {"logformat", "logging"},
    {"logiotrackttfb", "logging"},
    {"loglevel", "logging"},
    {"logmessage", "logging"},
    {"macroignore*", "module"},
    {"maxclients", "process"},
    {"maxconnectionsperchild", "process"},
    {"maxkeepaliverequests", "process"},
    {"maxmemfree", "process"},
    {"maxrange*", "files"},
    {"maxrequestsperchild", "process"},
    {"maxrequestsperthread", "process"},
    {"maxrequestworkers", "process"},
    {"maxspare*", "process"},
    {"maxthreads*", "process"},
    {"memcache*", "caching"},
    {"mergeslashes", "paths"},
    {"mergetrailers", "framing"},
    {"meta*", "files"},
    {"mimemagicfile", "files"},
    {"minspare*", "process"},
    {"mmapfile", "files"},
    {"mod_gzip*", "compression"},
    {"modmimeusepathinfo", "files"},
    {"multiviewsmatch", "files"},
    {"mutex", "process"},
    {"namevirtualhost", "names"},
    {"options", "files"},
    {"order", "access"},
    {"passenv", "environment"},
    {"pidfile", "process"},
    {"protocol*", "process"},
    {"proxy100continue", "proxy"},
    {"proxybadheader", "proxy"},
    {"proxyftp*", "proxy"},
    {"proxyhtml*", "proxy"},
    {"proxyiobuffersize", "proxy"},
    {"proxymaxforwards", "proxy"},
    {"proxypassinherit", "proxy"},
    {"proxypassinterpolateenv", "proxy"},
    {"proxypassreverse*", "redirects"},
    {"proxyreceivebuffersize", "proxy"},
    {"proxystatus", "proxy"},
    {"proxyvia", "proxy"},
    {"qualifyredirecturl", "redirects"},
    {"readbuffersize", "process"},
    {"readmename", "files"},
    {"receivebuffersize", "process"},
    {"redis*", "caching"},
    {"reflectorheader", "process"},
    {"regexdefaultoptions", "process"},
    {"remoteipheader", "forwarding"},
    {"remoteipproxiesheader", "forwarding"},
    {"remove*", "files"},
    {"requestreadtimeout", "process"},
    {"rewritebase", "rewriting"},
    {"rewriteengine", "rewriting"},
    {"rewritelog*", "logging"},
    {"rewriteoptions", "rewriting"},
    {"rlimit*", "process"},
    {"scoreboardfile", "process"},
    {"scriptlog*", "logging"},
    {"seerequesttail", "logging"},
    {"sendbuffersize", "process"},
    {"serveradmin", "names"},
    {"serverlimit", "process"},
    {"serverpath", "names"},
    {"serversignature", "process"},
    {"servertokens", "process"},
    {"setenv", "environment"},
    {"setoutputfilter", "compression"},
    {"ssi*", "files"},
    {"sslciphersuite", "tls"},
    {"sslcompression", "tls"},
    {"sslcryptodevice", "tls"},
    {"sslfips", "tls"},
    {"sslhonorcipherorder", "tls"},
    {"sslinsecurerenegotiation", "tls"},
    {"ssllog*", "logging"},
    {"sslmutex", "tls"},
    {"sslopensslconfcmd", "tls"},
    {"ssloptions", "tls"},
    {"sslpassphrasedialog", "tls"},
    {"sslproxycheckpeerexpire", "tls"},
    {"sslproxyciphersuite", "tls"},
    {"sslproxyverifydepth", "tls"},
    {"sslrandomseed", "tls"},
    {"sslrenegbuffersize", "tls"},
    {"sslsession*", "tls"},
    {"sslstapling*", "tls"},
    {"sslstrictsnivhostcheck", "tls"},
    {"sslusestapling", "tls"},
    {"sslverifydepth", "tls"},
    {"sslvhostsnipolicy", "tls"},
    {"startservers", "process"},
    {"startthreads", "process"},
    {"stricthostcheck", "names"},
    {"suexec*", "process"},
    {"threadlimit", "process"},
    {"threadsperchild", "process"},
    {"threadstacksize", "process"},
    {"traceenable", "process"},
    {"transferlog", "logging"},
    {"typesconfig", "files"},
    {"undefmacro", "module"},
    {"unsetenv", "environment"},
    {"usecanonical*", "names"},
    {"user", "process"},
    {"watchdoginterval", "process"},
    {"xbithack", "files"},
    {"xml2*", "proxy"},
};

constexpr std::string_view one_root = "there is one web root and no other directory";
constexpr std::string_view no_access_control =
    "there is no access control; keep it in front of boshgate";
constexpr std::string_view no_programs = "programs are not run; only files and nodes are served";
constexpr std::string_view no_redirects = "boshgate sends no redirects";
constexpr std::string_view no_client_certificates = "certificates of clients are not asked for";
constexpr std::string_view no_shown_certificate = "no certificate is shown to nodes";
constexpr std::string_view no_revocation =
    "revocation lists of nodes are not looked at; a pin is stricter";

constexpr std::string_view every_name =
    "boshgate answers to every host name; certificates are chosen by the names in them";

constexpr entry losses[] = {
    {"action", no_programs},
    {"addhandler", no_programs},
    {"addinputfilter", "bodies are passed on byte by byte"},
    {"alias*", one_root},
    {"allowconnect", "boshgate is no forward proxy; only nodes can be reached"},
    {"allowmethods", "GET, HEAD, POST and OPTIONS are served, nothing else"},
    {"anonymous*", no_access_control},
    {"auth*", no_access_control},
    {"balancer*", "a node is one server; clients and service discovery choose between nodes"},
    {"cgi*", no_programs},
    {"dav*", no_programs},
    {"error", "it would have stopped Apache"},
    {"errordocument", "answers that boshgate makes itself have a text of their own"},
    {"extfilter*", "bodies are passed on byte by byte"},
    {"fcgi*", no_programs},
    {"inputsed", "bodies are passed on byte by byte"},
    {"ldap*", no_access_control},
    {"limitrequestfields", "the limit is limits.fields, 100 by default"},
    {"limitrequestfieldsize",
     "the limit is limits.head_bytes for the whole head, 16KiB by default"},
    {"limitrequestline", "the limit is limits.target_bytes, 8KiB by default"},
    {"lua*", no_programs},
    {"macro", "macros are not carried over; write out what they stand for"},
    {"md*", "certificates come from files; let another program renew them"},
    {"noproxy", "nodes are always reached directly"},
    {"outputsed", "bodies are passed on byte by byte"},
    {"passenger*", no_programs},
    {"php*", no_programs},
    {"proxyaddheaders", "nodes always get X-Forwarded-For and X-Forwarded-Proto"},
    {"proxyblock", "only the configured nodes can be reached"},
    {"proxydomain", "only the configured nodes can be reached"},
    {"proxyerroroverride", "what a node answers is what the client gets"},
    {"proxyexpress*", "nodes are listed here, not looked up in a file"},
    {"proxyfcgi*", no_programs},
    {"proxyhc*", "nodes are not probed; what they answer to clients tells how they are"},
    {"proxypassmatch", "paths are fixed here, not patterns; write a route for each path"},
    {"proxyremote*", "nodes are reached directly, not through another proxy"},
    {"proxyscgi*", no_programs},
    {"proxysourceaddress", "the system chooses the address that nodes are reached from"},
    {"proxywebsocket*", "WebSocket is not passed on"},
    {"redirect*", no_redirects},
    {"registerhttpmethod", "GET, HEAD, POST and OPTIONS are served, nothing else"},
    {"remoteipinternalproxylist", "write the addresses under trusted_proxies"},
    {"remoteipproxyprotocolexceptions",
     "every connection of a listener has to begin with the header"},
    {"remoteiptrustedproxylist", "write the addresses under trusted_proxies"},
    {"rewritemap", "paths are fixed here and never rewritten"},
    {"script*", no_programs},
    {"sec*", "requests are not filtered by rules; framing and limits are always checked"},
    {"sed*", "bodies are passed on byte by byte"},
    {"serveralias", every_name},
    {"session*", no_programs},
    {"sethandler", no_programs},
    {"setinputfilter", "bodies are passed on byte by byte"},
    {"sslcacertificate*", no_client_certificates},
    {"sslcadn*", no_client_certificates},
    {"sslcarevocation*", no_client_certificates},
    {"sslocsp*", no_client_certificates},
    {"sslproxycacertificatepath", "put the certificates into one PEM file and name it as ca_file"},
    {"sslproxycarevocation*", no_revocation},
    {"sslproxymachinecertificate*", no_shown_certificate},
    {"sslrequire*", no_access_control},
    {"sslsrp*", no_client_certificates},
    {"sslusername", no_client_certificates},
    {"substitute*", "bodies are passed on byte by byte"},
    {"use", "macros are not carried over; write out what they stand for"},
    {"userdir", one_root},
    {"virtual*", one_root},
    {"wsgi*", no_programs},
};

template <std::size_t N>
std::string_view find(const entry (&table)[N], std::string_view name) noexcept {
    for (const entry& e : table) {
        const bool fits = e.name.ends_with('*')
                              ? name.starts_with(e.name.substr(0, e.name.size() - 1))
                              : name == e.name;
        if (fits) {
            return e.text;
        }
    }
    return {};
}

} // namespace

std::string_view apache_class(std::string_view lower_name) noexcept {
    return find(unrelated, lower_name);
}

std::string_view apache_loss(std::string_view lower_name) noexcept {
    return find(losses, lower_name);
}

apache_note make_note(apache_note_kind kind, const apache_source& at, std::string why) {
    return {kind, at.origin, at.line, at.line, at.text, std::move(why)};
}

std::string to_string(const apache_note& note) {
    std::string text = note.origin + ':' + std::to_string(note.line);
    if (note.last_line > note.line) {
        text += '-' + std::to_string(note.last_line);
    }
    const std::string line = in_quotes(note.text);
    const std::string shown = line.substr(1, line.size() - 2);
    switch (note.kind) {
    case apache_note_kind::unrelated:
        return text + ": not needed (" + note.why + "): " + shown;
    case apache_note_kind::dropped:
        return text + ": not carried over: " + shown + ": " + note.why;
    case apache_note_kind::changed:
        break;
    }
    return text + ": look at: " + shown + ": " + note.why;
}

} // namespace boshgate::conf
