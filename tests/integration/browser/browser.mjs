// Starts Chromium for the tests and says in plain words what was checked.
//
// Environment: CHROMIUM (default /usr/bin/chromium) is the browser, OUTPUT_DIR (default: a new
// directory under the system's temporary one) takes the screenshots, PATIENCE (default 1) is what
// every wait is multiplied by where the proxy is slow, for instance under a sanitizer.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const installer = join(here, '../../support/npm_packages.sh');

export function loadPlaywright() {
  const packages = execFileSync(installer, [here], { encoding: 'utf8' }).trim();
  return createRequire(`${packages}/`)('playwright-core');
}

// `names` maps host names to local ports: {'chat.example.com': 41234}. A page can so have an origin
// that a configuration file can name before the port of the server behind it is known.
export async function launch(names = {}) {
  const rules = Object.entries(names).map(([name, port]) => `MAP ${name} 127.0.0.1:${port}`);
  return loadPlaywright().chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox', // CI runs as root
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...(rules.length > 0 ? [`--host-resolver-rules=${rules.join(', ')}`] : []),
    ],
  });
}

let outputDir;

export function outputFile(name) {
  outputDir ??= process.env.OUTPUT_DIR ?? mkdtempSync(join(tmpdir(), 'boshgate-browser-'));
  mkdirSync(outputDir, { recursive: true });
  return join(outputDir, name);
}

const patience = Number(process.env.PATIENCE ?? 1);
const wholeTest = 200000 * patience; // ms
export const oneWait = 30000 * patience; // ms for what should happen at once

const results = { passed: 0, failed: [] };

export function check(what, ok, detail = '') {
  if (ok) {
    results.passed += 1;
    console.log(`ok      ${what}`);
  } else {
    results.failed.push(what);
    console.log(`FAILED  ${what}${detail ? `: ${detail}` : ''}`);
  }
}

export function checkEqual(what, got, expected) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
  check(what, a === b, `got ${a}, expected ${b}`);
}

// Runs one test file's main function; its exit status is 0 only when at least one check ran and
// none failed.
export async function main(title, test) {
  const limit = setTimeout(() => {
    check(title, false, `not done after ${wholeTest / 1000} s`);
    process.exit(1);
  }, wholeTest);
  try {
    await test();
  } catch (error) {
    check(title, false, error.stack);
  }
  clearTimeout(limit);
  console.log(`${title}: ${results.passed} passed, ${results.failed.length} failed`);
  if (outputDir) {
    console.log(`screenshots: ${outputDir}`);
  }
  process.exit(results.failed.length === 0 && results.passed > 0 ? 0 : 1);
}
