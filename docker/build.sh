#!/usr/bin/env bash
# Builds images with buildah: build.sh [--debootstrap] [TARGET...]
#
#   TARGET          boshgate (the default), tests, lab: stages of the Dockerfile
#   --debootstrap   make the base image from Debian's package mirror instead of pulling
#                   debian:12-slim: for machines that reach no registry. Needs root and debootstrap.
#                   Made once; `buildah rmi debian-12-slim` forgets it.
#
# Environment: BASE (another base image), MIRROR (http://deb.debian.org/debian), JOBS (compilers at
# a time), AUTHORITIES (PEM file that npm trusts besides its own), BUILDAH_ISOLATION (buildah's own;
# chroot works inside containers and build machines).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

: "${MIRROR:=http://deb.debian.org/debian}"
local_base=localhost/debian-12-slim

say() { echo "build: $*" >&2; }
fail() { echo "build: error: $*" >&2; exit 1; }

# What debian:12-slim is: the essential packages, without documents and translations, and with
# security updates.
make_base() {
    local root=$work/root
    [[ $(id -u) == 0 ]] || fail "debootstrap needs root"
    command -v debootstrap > /dev/null || fail "debootstrap is missing: apt-get install debootstrap"
    say "base: debootstrap from $MIRROR"
    debootstrap --variant=minbase bookworm "$root" "$MIRROR" > "$work/log" 2>&1 \
        || { tail -n 20 "$work/log" >&2; exit 1; }

    cat > "$root/etc/apt/sources.list" << TEXT
deb $MIRROR bookworm main
deb $MIRROR bookworm-updates main
deb ${MIRROR%/debian}/debian-security bookworm-security main
TEXT
    printf 'Apt::AutoRemove::SuggestsImportant "false";\nAcquire::Languages "none";\n' \
        > "$root/etc/apt/apt.conf.d/slim"
    # dpkg leaves these out of all that later stages install, too.
    printf 'path-exclude /usr/share/%s/*\n' doc info linda lintian groff man locale \
        > "$root/etc/dpkg/dpkg.cfg.d/slim"
    printf 'path-include /usr/share/doc/*/copyright\n' >> "$root/etc/dpkg/dpkg.cfg.d/slim"
    # No service starts in a container, whatever a package's scripts say.
    printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    chroot "$root" sh -ec 'apt-get update && apt-get upgrade -y && apt-get clean' \
        > "$work/log" 2>&1 \
        || { tail -n 20 "$work/log" >&2; exit 1; }
    find "$root/usr/share/doc" -depth -mindepth 1 ! -name copyright ! -type d -delete
    rm -rf "$root"/usr/share/{info,lintian,groff,man,locale}/* \
        "$root"/var/lib/apt/lists/* "$root"/var/log/* \
        "$root"/var/cache/apt/* "$root"/var/cache/debconf/*-old "$root"/var/cache/ldconfig/aux-cache
    rm -f "$root"/etc/{hostname,resolv.conf,machine-id}

    local container
    container=$(buildah from scratch)
    tar -C "$root" -c . | gzip -1 > "$work/root.tar.gz"
    buildah add --quiet "$container" "$work/root.tar.gz" / > /dev/null
    buildah config --cmd bash \
        --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
    buildah commit --quiet --rm "$container" "$local_base" > /dev/null
    say "base: $local_base, $(size_of "$local_base")"
}

size_of() { # IMAGE
    buildah images --format '{{.Size}}' --filter "reference=$1"
}

targets=()
pull=()
debootstrap=no
for word in "$@"; do
    case $word in
        --debootstrap) debootstrap=yes ;;
        boshgate | tests | lab) targets+=("$word") ;;
        *) fail "usage: docker/build.sh [--debootstrap] [boshgate|tests|lab]..." ;;
    esac
done
((${#targets[@]})) || targets=(boshgate)
command -v buildah > /dev/null || fail "buildah is missing: apt-get install buildah"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [[ $debootstrap == yes ]]; then
    BASE=$local_base
    pull=(--pull-never)
    buildah inspect --type image "$BASE" > /dev/null 2>&1 || make_base
fi
arguments=(${BASE:+--build-arg "BASE=$BASE"} ${JOBS:+--build-arg "JOBS=$JOBS"}
    ${AUTHORITIES:+--secret "id=authorities,src=$AUTHORITIES"})
for target in "${targets[@]}"; do
    name=boshgate
    [[ $target == boshgate ]] || name=boshgate-$target
    began=$SECONDS
    say "$name"
    # OCI images have no health check; Docker's format has.
    buildah build --format docker --layers "${pull[@]}" --file docker/Dockerfile \
        --ignorefile docker/Dockerfile.dockerignore "${arguments[@]}" --target "$target" \
        --tag "localhost/$name" .
    say "$name: $(size_of "localhost/$name") after $((SECONDS - began)) s"
done
