#!/usr/bin/env bash
# Installs what is missing on a Debian 12, and only that: `tests/setup.sh run` for `make run`,
# `tests/setup.sh test` for `make test` (which includes `run`). With nothing missing it takes a few
# milliseconds and needs neither root nor a network. The servers among the packages (Prosody,
# ejabberd, nginx, HAProxy, Prometheus) are neither started nor enabled: the lab runs its own, from
# its own folders.
set -euo pipefail

build=(g++ cmake ninja-build ccache make libboost1.81-dev libboost-url1.81-dev libyaml-cpp-dev
    libspdlog-dev libssl-dev
    libgtest-dev libgmock-dev libexpat1-dev python3) # CMake wants them, whatever is built then
lab=(prosody ejabberd openssl curl ca-certificates)
test=(
    git
    clang libclang-rt-14-dev clang-format      # the second compiler, libFuzzer, and the style
    chromium chromium-driver fonts-dejavu-core # what users sit in front of
    nginx-light haproxy apache2-bin            # what boshgate is compared with
    prometheus                                 # promtool reads what /metrics says
)

say() { echo "setup: $*" >&2; }
fail() { echo "setup: error: $*" >&2; exit 1; }

# The wanted packages that are not installed, one a line.
missing() { # PACKAGE...
    # dpkg-query fails when it knows nothing of a package; what it prints about the others counts.
    comm -23 <(printf '%s\n' "$@" | sort -u) \
        <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2> /dev/null \
            | awk '$1 == "installed" { print $2 }' | sort -u)
}

# Node.js may come from elsewhere than Debian: what is on the PATH counts, from 18 on.
missing_node() {
    local version
    version=$(node --version 2> /dev/null || true)
    [[ $version =~ ^v([0-9]+)\. ]] && ((BASH_REMATCH[1] >= 18)) || echo nodejs
    command -v npm > /dev/null || echo npm
}

as_root() {
    if [[ $(id -u) == 0 ]]; then "$@"; else sudo -- "$@"; fi
}

# One line for each tenth of the way instead of apt's thousands; on failure the end of what it said.
# The progress needs a descriptor of its own (apt closes it for its children), which sudo would not
# let through.
apt() {
    local status=0
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l LC_ALL=C.UTF-8 \
        sh -c 'exec apt-get -o Dpkg::Use-Pty=0 -o APT::Status-Fd=3 "$@" 3>&1' apt "$@" \
        2>&1 < /dev/null \
        | tee -a "$log" | awk -F : '
            $1 == "dlstatus" || $1 == "pmstatus" {
                now = ($1 == "dlstatus" ? "downloading" : "installing") " " int($3 / 10) * 10 " %"
                if (now != before) { print "setup: " now; fflush() }
                before = now
            }' >&2 || status=$?
    ((status == 0)) || tail -n 20 "$log" >&2
    return "$status"
}

# Debian starts a server as soon as it is installed, unless this file says no (invoke-rc.d(8)).
policy=/usr/sbin/policy-rc.d
keep_services_down() {
    trap 'restore_services; rm -f "$log"' EXIT
    if [[ -e $policy ]]; then as_root mv "$policy" "$policy.before-setup"; fi
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" > /dev/null
    as_root chmod 755 "$policy"
}

restore_services() {
    as_root rm -f "$policy"
    if [[ -e $policy.before-setup ]]; then as_root mv "$policy.before-setup" "$policy"; fi
}

# ... and enables it for the next boot, which only systemd can be told to undo.
disable_new_services() { # PACKAGE...
    local package service
    [[ -d /run/systemd/system ]] || return 0
    for package in "$@"; do
        service=${package%-light}
        case $service in
            prosody | ejabberd | nginx | haproxy | prometheus)
                as_root systemctl --quiet disable "$service.service" || true ;;
        esac
    done
}

install() { # PACKAGE...
    [[ $(id -u) == 0 ]] || command -v sudo > /dev/null \
        || fail "not root, and no sudo. As root: apt-get install --no-install-recommends $*"
    say "installing $# packages: $*"
    log=$(mktemp)
    keep_services_down
    # Old package lists name files that are gone; so lists are fetched when there are none, or after
    # a failure.
    if ! compgen -G '/var/lib/apt/lists/*_Packages*' > /dev/null; then
        apt update
        apt install -y --no-install-recommends "$@"
    elif ! apt install -y --no-install-recommends "$@"; then
        say "once more, with fresh package lists"
        apt update
        apt install -y --no-install-recommends "$@"
    fi
    disable_new_services "$@"
}

wanted=()
case ${1:-} in
    run) wanted=("${build[@]}" "${lab[@]}") ;;
    test) wanted=("${build[@]}" "${lab[@]}" "${test[@]}") ;;
    *) fail "usage: tests/setup.sh run|test" ;;
esac
mapfile -t packages < <(missing "${wanted[@]}"; missing_node)
if ((${#packages[@]})); then
    command -v apt-get > /dev/null || fail "this needs Debian 12, or by hand: ${packages[*]}"
    install "${packages[@]}"
fi
