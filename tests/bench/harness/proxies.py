"""The proxies that can be measured: how each is configured and started."""
import os
import re
import resource
import subprocess

from .process import Failed, Process, await_port, free_port

TEMPLATES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peers")
PLAIN = "-plain"  # what the name of a boshgate without BOSH awareness ends in
MODULES = ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/libexec/apache2")


class Certificates:
    """A CA of its own, one P-256 certificate for proxy and node, in `directory`."""

    def __init__(self, directory):
        path = lambda name: os.path.join(directory, name)
        self.ca, self.certificate, self.key = path("ca.pem"), path("leaf.pem"), path("leaf.key")
        self.combined = path("combined.pem")
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        self._openssl(
            "req",
            "-x509",
            *curve,
            "-keyout",
            path("ca.key"),
            "-out",
            self.ca,
            "-days",
            "30",
            "-subj",
            "/CN=bench CA",
        )
        self._openssl(
            "req", *curve, "-keyout", self.key, "-out", path("leaf.csr"), "-subj", "/CN=localhost"
        )
        with open(path("leaf.ext"), "w", encoding="ascii") as file:
            file.write("subjectAltName=DNS:localhost,DNS:chat.example.com,IP:127.0.0.1\n")
        self._openssl(
            "x509",
            "-req",
            "-in",
            path("leaf.csr"),
            "-CA",
            self.ca,
            "-CAkey",
            path("ca.key"),
            "-CAcreateserial",
            "-days",
            "30",
            "-extfile",
            path("leaf.ext"),
            "-out",
            self.certificate,
        )
        with open(self.combined, "w", encoding="ascii") as out:
            for part in (self.certificate, self.key):
                with open(part, encoding="ascii") as file:
                    out.write(file.read())
        for name in (self.key, self.combined):
            os.chmod(name, 0o644)  # the peers' workers drop privileges; the key is worth nothing

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run(
            ["openssl", *arguments], capture_output=True, text=True, timeout=20, check=False
        )
        if done.returncode != 0:
            raise Failed("openssl: " + done.stderr.strip())


def fill(template, conditions, values):
    """The template's text: conditional lines kept or dropped, every @NAME@ filled in."""
    lines = []
    with open(os.path.join(TEMPLATES, template), encoding="utf-8") as file:
        for line in file:
            kept = True
            while line.startswith("%"):
                condition, separator, rest = re.match(r"%([a-z-]+)( ?)(.*)", line, re.S).groups()
                kept = kept and condition in conditions
                line = rest
                if separator:
                    break
            if kept:
                lines.append(line)
    return re.sub(r"@([A-Z_]+)@", lambda match: str(values[match.group(1)]), "".join(lines))


class Proxy:
    """One kind of proxy; `start` gives a running one and its port."""

    def __init__(self, name, template, file_name, command, version, sessions="sessions-on"):
        self.name, self.template, self.file_name = name, template, file_name
        self.command, self.version, self.sessions = command, version, sessions

    def under(self, tool):
        """The same proxy, run under a tool such as valgrind; nginx then in one process."""
        alone = ["-g", "master_process off;"] if self.name == "nginx" else []
        return Proxy(
            self.name,
            self.template,
            self.file_name,
            [*tool, *self.command, *alone],
            self.version,
            self.sessions,
        )

    def start(
        self,
        directory,
        cpus,
        workers,
        client_tls,
        node_tls,
        node_port,
        many,
        certificates,
        patience=15,
    ):
        port = free_port()
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        conditions = {
            "client-tls" if client_tls else "client-plain",
            "node-tls" if node_tls else "node-plain",
            "many" if many else "few",
            self.sessions,
        }
        if os.geteuid() == 0:
            conditions.add("root")
        values = {
            "DIR": directory,
            "PORT": port,
            "NODE_PORT": node_port,
            "WORKERS": workers,
            "DESCRIPTORS": limit,
            "CONNECTIONS": limit // 2 - 100,
            "CERTIFICATE": certificates.certificate,
            "KEY": certificates.key,
            "CA": certificates.ca,
            "COMBINED": certificates.combined,
            "MODULES": next((path for path in MODULES if os.path.isdir(path)), MODULES[0]),
        }
        path = os.path.join(directory, self.file_name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(fill(self.template, conditions, values))
        log_path = os.path.join(directory, self.name + ".log")
        with open(log_path, "w", encoding="utf-8") as log:
            process = Process(
                [part.replace("@FILE@", path) for part in self.command],
                cpus=cpus,
                log=log,
                directory=directory,
            )
        try:
            await_port(process, port, patience)
        except Failed as error:
            process.end()
            with open(log_path, encoding="utf-8", errors="replace") as log:
                raise Failed(f"{error}: {log.read()[-600:].strip()}") from error
        return process, port


def known(boshgates):
    """All proxies by name; `boshgates` maps further names to (binary, template or None). Each build
    is there a second time as NAME-plain: the same with BOSH awareness off.
    """
    nginx = Proxy(
        "nginx",
        "nginx.conf",
        "nginx.conf",
        ["nginx", "-e", "stderr", "-c", "@FILE@"],
        ["nginx", "-v"],
    )
    haproxy = Proxy(
        "haproxy",
        "haproxy.cfg",
        "haproxy.cfg",
        ["haproxy", "-db", "-f", "@FILE@"],
        ["haproxy", "-v"],
    )
    apache = Proxy(
        "apache",
        "apache.conf",
        "apache.conf",
        ["apache2", "-DFOREGROUND", "-f", "@FILE@"],
        ["apache2", "-v"],
    )
    proxies = {proxy.name: proxy for proxy in (nginx, haproxy, apache)}
    for name, (binary, template) in boshgates.items():
        for suffix, sessions in (("", "sessions-on"), (PLAIN, "sessions-off")):
            proxies[name + suffix] = Proxy(
                name + suffix,
                template or "boshgate.yaml",
                "boshgate.yaml",
                [binary, "serve", "-c", "@FILE@"],
                [binary, "--version"],
                sessions,
            )
    return proxies
