#!/bin/bash
# Is the server serving? Asks it for one answer, over the listener that BOSHGATE_HEALTH names, and
# exits with 0 or 1, saying why. Needs no configured node: nodes that are down are no reason to
# restart the proxy.
#
#   BOSHGATE_HEALTH   http://ADDRESS:PORT (http://127.0.0.1:8080 by default) or
#                     https://ADDRESS:PORT, where any certificate is taken: it says nothing about
#                     whether the server runs. Not a listener with proxy_protocol.
set -u

fail() { echo "unhealthy: $*"; exit 1; }

url=${BOSHGATE_HEALTH:-http://127.0.0.1:8080}
[[ $url =~ ^(https?)://(\[([0-9a-fA-F:.]+)\]|([^]/:[]+)):([0-9]+)/?$ ]] \
    || fail "BOSHGATE_HEALTH is '$url', expected http://ADDRESS:PORT or https://ADDRESS:PORT"
scheme=${BASH_REMATCH[1]}
address=${BASH_REMATCH[3]}${BASH_REMATCH[4]}
port=${BASH_REMATCH[5]}
request=$'HEAD / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: boshgate-health\r\n'
request+=$'Connection: close\r\n\r\n'

answer=""
if [[ $scheme == http ]]; then
    { exec 3<> "/dev/tcp/$address/$port"; } 2> /dev/null \
        || fail "nobody listens on $address port $port"
    printf %s "$request" >&3
    IFS= read -r -t 4 answer <&3
else
    answer=$(printf %s "$request" \
        | timeout 4 openssl s_client -quiet -connect "${BASH_REMATCH[2]}:$port" 2> /dev/null \
        | head -n 1)
fi
answer=${answer%$'\r'}
# 404 is an answer too: without a web_root there is nothing at "/".
[[ $answer =~ ^HTTP/1\.1\ [234][0-9][0-9]\  ]] || fail "$url answered '$answer' to HEAD /"
echo "healthy: $answer"
