#!/bin/sh
# Builds the demo page: build.sh OUTDIR. Takes Strophe.js from npm by the lock file, copies it and
# the page into OUTDIR, and lays a .gz and a .br beside each text file. A second build needs no
# network and takes a moment.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 OUTDIR" >&2
    exit 2
fi
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
mkdir -p "$1"
out=$(CDPATH= cd -- "$1" && pwd)
packages=$("$here/../support/npm_packages.sh" "$here")

cp "$here"/page/* "$out"
cp "$packages/node_modules/strophe.js/dist/strophe.umd.min.js" "$out"
cp "$packages/node_modules/strophe.js/LICENSE.txt" "$out/strophe.LICENSE.txt"

# config.json isn't compressed: whoever starts the proxy writes it later.
OUT=$out exec node --input-type=module <<'SCRIPT'
import { readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';

for (const name of readdirSync(process.env.OUT)) {
  if (!/\.(html|css|js|svg)$/.test(name)) {
    continue;
  }
  const path = `${process.env.OUT}/${name}`;
  const text = readFileSync(path);
  const { atime, mtime } = statSync(path);
  const forms = { '.gz': gzipSync(text, { level: 9 }), '.br': brotliCompressSync(text) };
  for (const [suffix, packed] of Object.entries(forms)) {
    writeFileSync(path + suffix, packed);
    utimesSync(path + suffix, atime, mtime); // one Last-Modified for all forms of a file
  }
}
SCRIPT
