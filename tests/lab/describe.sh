# What the lab tells others about itself: text, shell, JSON, and a boshgate configuration.
# Sourced by tests/lab/lab.

describe_as_text() {
    local node
    for node in "${ALL_NODES[@]}"; do
        printf '%-9s %-7s pid %-8s %s  %s  certificate: %s  %s\n' "$node" "$(state_of "$node")" \
            "$(pid_of "$node" || echo -)" "$(https_url "$node")" "$(http_url "$node")" \
            "$(signer_of "$node")" "$(<"$LAB_DIR/certs/$node.pin")"
    done
}

describe_as() { # [--json]
    case ${1:-} in
        "") describe_as_shell ;;
        --json) describe_as_json ;;
        *) fail "env: unknown option '$1'" ;;
    esac
}

# export NODE_A1_HTTPS='https://...' and so on.
describe_as_shell() {
    local node stem
    export_line LAB_DIR "$LAB_DIR"
    export_line LAB "$LAB_SOURCE_DIR/lab"
    export_line LAB_NET "$LAB_NET"
    export_line LAB_DOMAIN "$LAB_DOMAIN"
    export_line LAB_CA_FILE "$LAB_DIR/certs/ca.pem"
    export_line LAB_PROXY_CERTIFICATE "$LAB_DIR/certs/proxy.pem"
    export_line LAB_PROXY_KEY "$LAB_DIR/certs/proxy.key"
    for node in "${ALL_NODES[@]}"; do
        stem=${node^^}
        stem=${stem//-/_}
        export_line "${stem}_ADDRESS" "$(address_of "$node")"
        export_line "${stem}_HOST" "$node.$LAB_DOMAIN"
        export_line "${stem}_HTTPS" "$(https_url "$node")"
        export_line "${stem}_HTTP" "$(http_url "$node")"
        export_line "${stem}_PIN" "$(<"$LAB_DIR/certs/$node.pin")"
    done
}

export_line() { printf 'export %s=%q\n' "$1" "$2"; } # NAME VALUE

# The values are our own names, paths and numbers: none needs escaping but a path, which must be
# plain.
describe_as_json() {
    local node comma=""
    [[ $LAB_DIR != *[\"\\]* ]] || fail "a path with quotes cannot be described: $LAB_DIR"
    printf '{\n  "dir": "%s", "lab": "%s", "net": "%s", "domain": "%s",\n' \
        "$LAB_DIR" "$LAB_SOURCE_DIR/lab" "$LAB_NET" "$LAB_DOMAIN"
    printf '  "https_port": %s, "http_port": %s, "path": "%s", "inactivity": %s,\n' \
        "$LAB_HTTPS_PORT" "$LAB_HTTP_PORT" "$LAB_BOSH_PATH" "$LAB_INACTIVITY"
    printf '  "ca_file": "%s", "proxy": { "certificate": "%s", "key": "%s" },\n  "nodes": {' \
        "$LAB_DIR/certs/ca.pem" "$LAB_DIR/certs/proxy.pem" "$LAB_DIR/certs/proxy.key"
    for node in "${ALL_NODES[@]}"; do
        printf '%s\n    "%s": { "address": "%s", "host": "%s", "https": "%s", "http": "%s",\n' \
            "$comma" "$node" "$(address_of "$node")" "$node.$LAB_DOMAIN" \
            "$(https_url "$node")" "$(http_url "$node")"
        printf '      "certificate": "%s", "signer": "%s", "pin": "%s", ' \
            "$LAB_DIR/certs/$node.pem" "$(signer_of "$node")" "$(<"$LAB_DIR/certs/$node.pin")"
        printf '"state": "%s", "log": "%s" }' "$(state_of "$node")" "$(node_dir "$node")/log"
        comma=,
    done
    printf '\n  },\n  "accounts": {'
    awk -v domain="$LAB_DOMAIN" '
        function name(word) { return word == "-" ? "null" : "\"" word "\"" }
        {
            printf "%s\n    \"%s\": { \"jid\": \"%s@%s\", ", (NR > 1 ? "," : ""), $1, $1, domain
            printf "\"password\": \"%s\",", $2
            printf " \"group\": \"%s\", \"home\": %s, \"backup\": %s }", $3, name($4), name($5)
        }
        END { print "\n  }\n}" }' "$LAB_DIR/accounts/list"
}

# What the demo page offers: the nodes behind the proxy, and the people (not the crowd) to sign in
# as. With a discovery endpoint, that too.
describe_for_page() { # [PATH]
    local node comma=""
    printf '{\n  "domain": "%s", "default": "/node-a1", "wait": 60,\n  "nodes": [' "$LAB_DOMAIN"
    for node in node-a1 node-b1 node-sd1 node-sd2 node-e1; do
        printf '%s\n    { "path": "/%s", "label": "%s", "note": "%s" }' \
            "$comma" "$node" "$node" "$(make_of "$node")"
        comma=,
    done
    [[ $# == 0 ]] \
        || printf ',\n    { "path": "%s", "label": "%s", "note": "%s" }' \
            "$1" "your own node" "boshgate finds it"
    printf '\n  ],\n  "accounts": ['
    awk -v domain="$LAB_DOMAIN" '
        $3 == "Team" {
            printf "%s\n    { \"jid\": \"%s@%s\", ", (n++ ? "," : ""), $1, domain
            printf "\"password\": \"%s\", \"name\": \"%s\" }", $2,
                toupper(substr($1, 1, 1)) substr($1, 2)
        }
        END { print "\n  ]\n}" }' "$LAB_DIR/accounts/list"
}

# --- a configuration for boshgate -----------------------------------------------------------------

write_config() { # OPTION...
    local listens=() certificate=$LAB_DIR/certs/proxy.pem key=$LAB_DIR/certs/proxy.key
    local scheme=https routes=() discovery="" web_root="" origins=() append="" output=""
    while (($#)); do
        (($# > 1)) || fail "config: $1 expects a value"
        case $1 in
            --listen) listens+=("plain $2") ;;
            --listen-tls) listens+=("tls $2") ;;
            --certificate) certificate=$2 ;;
            --key) key=$2 ;;
            --scheme) scheme=$2 ;;
            --route) routes+=("$2") ;;
            --discovery) discovery=$2 ;;
            --web-root) web_root=$2 ;;
            --origin) origins+=("$2") ;;
            --append) append=$2 ;;
            --output) output=$2 ;;
            *) fail "config: unknown option '$1'" ;;
        esac
        shift 2
    done
    ((${#listens[@]})) || fail "config: expected --listen or --listen-tls"
    [[ -n $discovery ]] || ((${#routes[@]})) || routes=("$LAB_BOSH_PATH=node-sd1")
    # Not "> /dev/stdout": that would truncate a file that stdout already goes to.
    [[ -z $output ]] || exec > "$output"
    {
        config_of_listeners
        [[ -z $web_root ]] || printf 'web_root: "%s"\n' "$web_root"
        config_of_nodes "$scheme"
        if ((${#routes[@]})); then
            printf 'routes:\n'
            printf '  %s\n' "${routes[@]/=/: }"
        fi
        [[ -z $discovery ]] \
            || echo "discovery: { path: $discovery, primary: node-sd1, secondary: node-sd2 }"
        if ((${#origins[@]})); then
            printf 'cors:\n  origins:\n'
            printf '    - "%s"\n' "${origins[@]}"
        fi
        [[ -z $append ]] || cat "$append"
    }
}

config_of_listeners() { # reads listens, certificate and key of write_config
    local entry
    printf 'listen:\n'
    for entry in "${listens[@]}"; do
        printf '  - address: "%s"\n' "${entry#* }"
        [[ $entry != tls\ * ]] \
            || printf '    tls: { certificate: "%s", key: "%s" }\n' "$certificate" "$key"
    done
}

# Nothing resolves the nodes' names here, so the URLs carry addresses, and the names go where an
# operator with such a network puts them: Host, SNI, the name to verify, and the aliases that
# clients may use.
config_of_nodes() { # SCHEME
    local node trust url
    printf 'nodes:\n'
    for node in "${ALL_NODES[@]}"; do
        case $1 in
            https) url=$(https_url "$node") ;;
            http) url=$(http_url "$node") ;;
            *) fail "config: --scheme is '$1', expected https or http" ;;
        esac
        printf '  %s:\n    url: "%s"\n    host: "%s"\n    aliases: ["%s", "%s"]\n' \
            "$node" "$url" "$node.$LAB_DOMAIN" "$node.$LAB_DOMAIN" "$(address_of "$node")"
        [[ $1 == https ]] || continue
        case $(signer_of "$node") in
            self) trust="pins: [\"$(<"$LAB_DIR/certs/$node.pin")\"]" ;;
            ca) trust="ca_file: \"$LAB_DIR/certs/ca.pem\"" ;;
        esac
        printf '    tls: { server_name: "%s", %s }\n' "$node.$LAB_DOMAIN" "$trust"
    done
}
