#!/usr/bin/env bash
# The process of the lab's container: starts the five nodes, writes what boshgate serves in front of
# them into the shared volume /lab, and waits for the end. Both containers share one network
# namespace, so that the nodes' loopback addresses mean the same in both.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

: "${HTTPS_PORT:=8443}" "${HTTP_PORT:=8080}"

# Runs inside `lab run`, with the nodes up.
serve() {
    rm -rf /lab/www
    cp -rp page /lab/www
    tests/lab/lab page "$LAB_DIR" /httpbinding > /lab/www/config.json
    printf 'timeouts: { drain: 5s }\n' > /lab/extra.yaml
    tests/lab/lab config "$LAB_DIR" --listen-tls 0.0.0.0:8443 --listen 0.0.0.0:8080 \
        --discovery /httpbinding --web-root /lab/www \
        --append /lab/extra.yaml --output /lab/boshgate.yaml.new
    # The health check looks for this file, and boshgate starts when it is there.
    mv /lab/boshgate.yaml.new /lab/boshgate.yaml
    cat << TEXT

  Open    https://localhost:$HTTPS_PORT/#alice   and, in a second window,
          https://localhost:$HTTPS_PORT/#bob
          (the certificate is the lab's own: let the browser go on)
          http://localhost:$HTTP_PORT/ is the same without TLS
  Sign in as alice, bob, carol, dave, erin or frank; NAME@example.com has the password NAME-secret.
  Try     docker compose -f docker/compose.yaml exec lab tests/lab/lab kill node-a1
          (or freeze, thaw, restart)

TEXT
    exec sleep infinity
}

case ${1:-} in
    "")
        rm -f /lab/boshgate.yaml
        exec tests/lab/lab run "$LAB_DIR" -- docker/lab.sh serve
        ;;
    serve) serve ;;
    *) echo "usage: docker/lab.sh" >&2; exit 2 ;;
esac
