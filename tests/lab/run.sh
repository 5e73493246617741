#!/usr/bin/env bash
# `make run`: boshgate with the demo page in front of the lab. Installs, builds, starts, says what
# to open, and ends all of it on Ctrl-C. A second start takes seconds: what is built stays in
# build/.
#
# Environment: ADDRESS (127.0.0.1), HTTPS_PORT (8443), HTTP_PORT (8080), ADMIN_PORT (9380), and
# the lab's own (`tests/lab/lab help`).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

: "${ADDRESS:=127.0.0.1}" "${HTTPS_PORT:=8443}" "${HTTP_PORT:=8080}" "${ADMIN_PORT:=9380}"
export ADDRESS HTTPS_PORT HTTP_PORT ADMIN_PORT
boshgate=build/release/bin/boshgate
page=build/demo
endpoint=/httpbinding # of discovery

prepare() {
    tests/setup.sh run
    tests/build_tree.sh release boshgate
    tests/demo/build.sh "$page"
    echo "== lab: five nodes" >&2
    # The lab ends with this command, however it ends.
    exec tests/lab/lab run build/lab -- tests/lab/run.sh serve
}

# Runs inside `lab run`, with the nodes up.
serve() {
    local host=$ADDRESS
    [[ $ADDRESS != 127.0.0.1 && $ADDRESS != 0.0.0.0 ]] || host=localhost
    mkdir -p build/run
    tests/lab/lab page build/lab "$endpoint" > "$page/config.json"
    # Ctrl-C should not wait for held polls; and the terminal is for what one reads.
    (umask 077; openssl rand -hex 32 > build/run/admin.token)
    {
        printf 'timeouts: { drain: 1s }\nlog: { access_file: "%s" }\n' "$PWD/build/run/access.log"
        printf 'admin: { address: "127.0.0.1:%s", token_file: "%s" }\n' \
            "$ADMIN_PORT" "$PWD/build/run/admin.token"
    } > build/run/extra.yaml
    tests/lab/lab config build/lab \
        --listen-tls "$ADDRESS:$HTTPS_PORT" --listen "$ADDRESS:$HTTP_PORT" \
        --discovery "$endpoint" --web-root "$PWD/$page" --append build/run/extra.yaml \
        --output build/run/boshgate.yaml

    # In a session of its own: the terminal's Ctrl-C and our TERM would be two signals, and a second
    # one means haste.
    setsid "$boshgate" serve -c build/run/boshgate.yaml &
    server=$!
    trap 'kill "$server" 2> /dev/null; wait "$server" || true' EXIT
    trap 'exit 143' TERM HUP
    trap 'exit 130' INT
    wait_until_served "http://$host:$HTTP_PORT/"
    say_what_to_open "$host"
    wait "$server"
}

wait_until_served() { # URL
    local tries
    for ((tries = 100; tries > 0; tries--)); do
        kill -0 "$server" 2> /dev/null || { wait "$server"; exit 1; }
        ! curl -sf --noproxy '*' --max-time 2 -o /dev/null "$1" || return 0
        sleep 0.1
    done
    echo "boshgate runs but does not serve $1" >&2
    exit 1
}

say_what_to_open() { # HOST
    cat << TEXT

  Open    https://$1:$HTTPS_PORT/#alice   and, in a second window,   https://$1:$HTTPS_PORT/#bob
          (the certificate is the lab's own: let the browser go on, or trust build/lab/certs/ca.pem)
          http://$1:$HTTP_PORT/ is the same without TLS
          http://localhost:$ADMIN_PORT/ for operators

  Sign in as alice, bob, carol, dave, erin or frank; NAME@example.com has the password NAME-secret.
  Nodes:  /node-a1 /node-b1 /node-sd1 /node-sd2 (Prosody), /node-e1 (ejabberd);
          $endpoint ("your own node") opens each session at the user's home node, or its backup

  Try     tests/lab/lab kill build/lab node-a1      then  tests/lab/lab restart build/lab node-a1
          tests/lab/lab freeze build/lab node-a1    then  tests/lab/lab thaw build/lab node-a1
          $boshgate discover -c build/run/boshgate.yaml alice@example.com
  Files   build/run/boshgate.yaml is the configuration,
          build/run/access.log has a line for each exchange

  Ctrl-C ends all of it.

TEXT
}

case ${1:-} in
    "") prepare ;;
    serve) serve ;;
    *) echo "usage: tests/lab/run.sh" >&2; exit 2 ;;
esac
