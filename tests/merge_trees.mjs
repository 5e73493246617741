// Makes one list of tests out of several build trees: merge_trees.mjs OUTDIR TREE...
//
// Asks ctest for the tests of build/TREE, and writes OUTDIR/CTestTestfile.cmake with those that
// run_all.sh wants of that tree, named TREE/NAME. So one ctest run, with one closing line, covers
// them all.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const [out, ...trees] = process.argv.slice(2);

// Sanitized code is slower, and so is its start: timeouts are about hanging, not about speed.
const patience = { dev: 1, clang: 1, fuzz: 1, asan: 3, tsan: 6 };
const namesTests = ['FIXTURES_SETUP', 'FIXTURES_REQUIRED', 'FIXTURES_CLEANUP', 'DEPENDS'];
const describesDefinition = ['_BACKTRACE_TRIPLES'];

const quote = (word) => `[===[${word}]===]`;
const list = (value) => (Array.isArray(value) ? value : [value]).map((item) => String(item));

// gcc 12's ThreadSanitizer wants fewer random address bits than new kernels give.
function aroundTsan() {
  const bits = Number(readFileSync('/proc/sys/vm/mmap_rnd_bits', 'utf8'));
  return bits > 28 ? ['setarch', '--addr-no-randomize'] : [];
}

// The long form, WHOLE_SUITE=1, runs everything under the sanitizers too. The short one leaves out
// what costs minutes there and exercises little of boshgate that the rest does not: Chromium, and
// under ThreadSanitizer, six times slower, the real servers.
const wholeSuite = process.env.WHOLE_SUITE === '1';

function isWanted(tree, name, labels) {
  switch (tree) {
    case 'dev':
    case 'fuzz':
      return true;
    case 'clang':
      return labels.includes('unit');
    case 'asan':
      return !labels.includes('once') && (wholeSuite || !/^integration_(browser|lab)/.test(name));
    default:
      return !labels.includes('once') && (wholeSuite || labels.includes('unit'));
  }
}

function property(tree, { name, value }) {
  if (name === 'TIMEOUT') return Number(value) * (patience[tree] ?? 1);
  if (namesTests.includes(name)) return list(value).map((item) => `${tree}/${item}`).join(';');
  if (name === 'LABELS') return [...list(value), tree].join(';');
  if (typeof value === 'boolean') return value ? 'ON' : 'OFF';
  // A list as CMake writes it: what is a semicolon inside an item is escaped.
  if (Array.isArray(value)) {
    return value.map((item) => String(item).replaceAll(';', '\\;')).join(';');
  }
  return value;
}

function testsOf(tree) {
  const json = execFileSync('ctest', ['--test-dir', `build/${tree}`, '--show-only=json-v1'],
    { maxBuffer: 1 << 28 });
  return JSON.parse(json).tests.flatMap(({ name, command, properties = [] }) => {
    const labels = list(properties.find((each) => each.name === 'LABELS')?.value ?? []);
    if (!isWanted(tree, name, labels)) return [];
    if (!command) throw new Error(`${tree}: the test ${name} has no program; was it built?`);
    const words = [...(tree === 'tsan' ? aroundTsan() : []), ...command];
    const settings = properties.filter((each) => !describesDefinition.includes(each.name))
      .map((each) => `  ${each.name} ${quote(property(tree, each))}\n`);
    if (!labels.length) settings.push(`  LABELS ${quote(tree)}\n`);
    return `add_test(${[`${tree}/${name}`, ...words].map(quote).join(' ')})\n`
      + `set_tests_properties(${quote(`${tree}/${name}`)} PROPERTIES\n${settings.join('')})\n`;
  });
}

mkdirSync(out, { recursive: true });
writeFileSync(`${out}/CTestTestfile.cmake`, trees.flatMap(testsOf).join(''));
