#!/usr/bin/env bash
# Configures and builds one preset of CMakePresets.json below build/:
#   build_tree.sh PRESET [-DNAME=VALUE...] [TARGET...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

preset=$1
options=()
targets=()
for word in "${@:2}"; do
    case $word in
        -D*) options+=("$word") ;;
        *) targets+=(--target "$word") ;;
    esac
done
began=$SECONDS
echo "== $preset: configure and build" >&2
mkdir -p "build/$preset"
if ! cmake --preset "$preset" "${options[@]}" > "build/$preset/configure.log" 2>&1; then
    cat "build/$preset/configure.log" >&2
    exit 1
fi
# The last column of ninja's status: what is left tells more than what is done.
NINJA_STATUS="[$preset %f/%t %es] " cmake --build --preset "$preset" "${targets[@]}"
echo "== $preset: built in $((SECONDS - began)) s" >&2
