// What real clients do with each failure signal: every library in Chromium, against a stand-in for
// node and proxy that sends the signal once (or always, with --always), at the session request or
// to the held poll of a session. Prints markdown tables.
//
//   node tests/integration/signals/run.mjs [--client NAME] [--signal NAME] [--when SITUATION]
//        [--seconds 25] [--at-once 12] [--always] [--raw]
//
// --seconds is how long a client is watched after the signal; --raw prints every request as well.

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { clients, filesOf } from './pages.mjs';
import { table } from './report.mjs';
import { signals, StubNode } from './stub_node.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const loginPatience = 30000; // ms
const situations = ['session request', 'held poll', 'older of two'];

const conditions = [
  'bad-request',
  'host-gone',
  'host-unknown',
  'internal-server-error',
  'item-not-found',
  'other-request',
  'policy-violation',
  'remote-connection-failed',
  'system-shutdown',
  '',
];
const every = {
  close: signals.close(),
  reset: signals.reset(),
  'refused for 3 s': signals.refuse(),
  ...Object.fromEntries(
    [400, 403, 404, 429, 500, 502, 503, 504].map((code) => [String(code), signals.status(code)]),
  ),
  ...Object.fromEntries(
    conditions.map((name) => [name || 'no condition', signals.terminate(name)]),
  ),
};

function options() {
  const { values } = parseArgs({
    options: {
      client: { type: 'string', multiple: true, default: clients },
      signal: { type: 'string', multiple: true, default: Object.keys(every) },
      when: { type: 'string', multiple: true, default: situations },
      seconds: { type: 'string', default: '25' },
      'at-once': { type: 'string', default: '12' },
      always: { type: 'boolean', default: false },
      raw: { type: 'boolean', default: false },
    },
  });
  return { ...values, seconds: Number(values.seconds), atOnce: Number(values['at-once']) };
}

const within = (promise, ms) =>
  Promise.race([promise, new Promise((resolve) => setTimeout(() => resolve('late'), ms))]);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Runs one case and returns what came after the signal: requests as the script made them, requests
// as they arrived, and what the library told its user.
async function watch(browser, files, { client, signal, when, seconds, always }) {
  const node = new StubNode({ files: files[client], send: every[signal], when, always });
  const base = await node.start();
  const page = await browser.newPage();
  const made = [];
  page.on('request', (request) => {
    if (request.method() === 'POST') {
      const text = request.postData() ?? '';
      made.push({
        at: Date.now(),
        rid: Number(/\srid=["'](\d+)/.exec(text)?.[1]),
        sid: /\ssid=["']([^"']*)/.exec(text)?.[1],
      });
    }
  });
  try {
    await page.goto(base);
    await page.waitForFunction(() => window.login, null, { timeout: loginPatience });
    await page.evaluate(() => void window.login());
    if (when === 'older of two') {
      if ((await within(node.idle, loginPatience)) === 'late') {
        throw new Error('never logged in');
      }
      await page.evaluate(() => window.say('hello'));
    }
    for (let waited = 0; !node.sentAt && waited < loginPatience; waited += 50) {
      await sleep(50);
    }
    if (!node.sentAt) {
      throw new Error('the signal was never due');
    }
    await sleep(seconds * 1000);
    const notes = await page.evaluate(() => window.notes);
    return {
      signalled: {
        rid: node.sentTo.rid,
        sid: node.sentTo.sid,
        freshConnection: node.sentTo.freshConnection,
      },
      newer: node.newer?.rid,
      made,
      arrived: after(
        node,
        node.exchanges
          .filter((one) => one !== node.sentTo && one !== node.newer)
          .map(({ at, rid, sid, freshConnection }) => ({ at, rid, sid, freshConnection })),
      ),
      told: after(node, notes).map(({ at, what }) => ({ at, what })),
    };
  } finally {
    await page.close();
    node.stop();
  }
}

function after(node, list) {
  return list
    .filter(({ at }) => at >= node.sentAt)
    .map((one) => ({ ...one, at: one.at - node.sentAt }));
}

const wanted = options();
const packages = execFileSync(join(here, '../../support/npm_packages.sh'), [here], {
  encoding: 'utf8',
}).trim();
const { chromium } = createRequire(`${packages}/`)('playwright-core');
const files = Object.fromEntries(
  await Promise.all(clients.map(async (client) => [client, await filesOf(client, packages)])),
);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox', // CI runs as root
    '--disable-gpu',
    '--disable-background-timer-throttling',
    '--disable-renderer-backgrounding',
    '--disable-backgrounding-occluded-windows',
    '--disable-background-networking',
  ],
});
const cases = wanted.when.flatMap((when) =>
  wanted.signal.flatMap((signal) =>
    wanted.client.map((client) => ({ ...wanted, when, signal, client })),
  ),
);
const results = [];
let next = 0;
async function work() {
  while (next < cases.length) {
    const at = next;
    next += 1;
    results[at] = await watch(browser, files, cases[at]).catch((error) => ({
      error: `**${error.message.split('\n')[0]}**`,
    }));
    const { when, signal, client } = cases[at];
    process.stderr.write(
      `${results.filter(Boolean).length} of ${cases.length}: ${when}, ${signal}, ${client}\n`,
    );
    if (wanted.raw) {
      process.stderr.write(`${JSON.stringify(results[at])}\n`);
    }
  }
}
await Promise.all(Array.from({ length: wanted.atOnce }, work));
for (const when of wanted.when) {
  const resultOf = (client, signal) =>
    results[
      cases.findIndex((one) => one.client === client && one.signal === signal && one.when === when)
    ];
  console.log(table(when, wanted.signal, wanted.client, resultOf));
}
await browser.close();
process.exit(results.some(({ error }) => error) ? 1 : 0);
