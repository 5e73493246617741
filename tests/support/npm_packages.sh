#!/bin/sh
# npm_packages.sh DIR: installs what DIR/package-lock.json names and prints the directory whose
# node_modules has it. The packages are kept in $BOSHGATE_CACHE (default:
# ${XDG_CACHE_HOME:-~/.cache}/boshgate), one directory for each lock file, so that the source tree
# stays clean and a second call needs no network and takes a moment.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 DIR" >&2
    exit 2
fi
from=$(CDPATH= cd -- "$1" && pwd)
cache=${BOSHGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/boshgate}
packages=$cache/npm-$(cat "$from/package.json" "$from/package-lock.json" | sha256sum | cut -c1-16)

if [ ! -d "$packages/node_modules" ]; then
    for tool in node npm; do
        if ! command -v "$tool" >/dev/null; then
            echo "$0: $tool is missing (Debian: apt-get install nodejs npm)" >&2
            exit 1
        fi
    done
    mkdir -p "$cache"
    fresh=$(mktemp -d "$cache/npm.XXXXXX")
    trap 'rm -rf "$fresh"' EXIT
    cp "$from/package.json" "$from/package-lock.json" "$fresh"
    name=$(sed -n 's/.*"name": "\(.*\)".*/\1/p' "$from/package.json" | head -1)
    echo "npm: installing what $name needs" >&2
    (cd "$fresh" && npm ci --ignore-scripts --no-fund --no-audit --loglevel=error >&2)
    # Put in place by a rename: of two installations at a time one wins, and nobody sees half of
    # one.
    mv -T "$fresh" "$packages" 2>/dev/null || [ -d "$packages/node_modules" ]
fi
echo "$packages"
