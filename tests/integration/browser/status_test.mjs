// The status page in Chromium while nodes of the lab are killed, freeze and come back. What it
// shows is held against what this test itself has done: how many sessions it has opened and where,
// how many polls it has under way, what became of the nodes. Runs inside `tests/lab/lab run`.
//
// Environment: ADMIN_URL, the admin listener; BASE_URL_HTTP, the proxy; ADMIN_TOKEN, what the
// listener takes; PROXY_PID, the process.

import { execFile } from 'node:child_process';
import { Agent, request } from 'node:http';
import { promisify } from 'node:util';

import { check, checkEqual, launch, main, oneWait, outputFile } from './browser.mjs';

const { ADMIN_URL: admin, BASE_URL_HTTP: proxy, ADMIN_TOKEN: token, LAB, LAB_DIR } = process.env;
const nodes = ['node-a1', 'node-b1', 'node-sd1', 'node-sd2']; // that were started
const rows = nodes.length + 1; // node-e1 is configured and was not: it is down all the time
const domain = process.env.LAB_DOMAIN ?? 'example.com';
const lab = (command, node) => promisify(execFile)(LAB, [command, LAB_DIR, node]);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// --- clients ------------------------------------------------------------------------------------

const agent = new Agent({ keepAlive: true });

function post(path, body) {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'text/xml; charset=utf-8' };
    const sent = request(`${proxy}${path}`, { method: 'POST', agent, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece) => {
        text += piece;
      });
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const space = "xmlns='http://jabber.org/protocol/httpbind'";
const attribute = (text, name) => new RegExp(`\\s${name}=['"]([^'"]*)`).exec(text)?.[1];

// A client with a session at a node and one poll under way there: {ended} resolves with the poll's
// answer.
async function openClient(node) {
  const rid = 1000000 + Math.floor(Math.random() * 1000000);
  const opened = await post(
    `/${node}`,
    `<body ${space} rid='${rid}' to='${domain}' wait='60' hold='1' ver='1.6' xml:lang='en' ` +
      "xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh'/>",
  );
  const sid = attribute(opened.text, 'sid');
  if (!sid) {
    throw new Error(`${node} opened no session: ${opened.status} ${opened.text}`);
  }
  // Where the proxy ends first, there is no answer.
  const poll = `<body ${space} rid='${rid + 1}' sid='${sid}'/>`;
  const ended = post(`/${node}`, poll).catch(() => null);
  const leave = () =>
    post(`/${node}`, `<body ${space} rid='${rid + 2}' sid='${sid}' type='terminate'/>`);
  return { ended, leave };
}

// --- the page -----------------------------------------------------------------------------------

const row = (page, node) => page.locator(`tr.node[data-node="${node}"]`);
const numberOf = (text) => Number(text.replaceAll(',', ''));
const cell = async (page, node, key) =>
  numberOf(await row(page, node).locator(`[data-cell="${key}"]`).innerText());
const total = async (page, key) =>
  numberOf(await page.locator(`[data-total="${key}"]`).innerText());

// Waits until what `look` finds is what is expected, and checks that it is.
async function becomes(what, look, expected) {
  const late = Date.now() + oneWait;
  const wanted = JSON.stringify(expected);
  let found = await look();
  while (JSON.stringify(found) !== wanted && Date.now() < late) {
    await pause(100);
    found = await look();
  }
  checkEqual(what, found, expected);
}

async function openPage(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1600, height: 1000 },
    reducedMotion: 'reduce',
    ...options,
  });
  context.setDefaultTimeout(oneWait);
  const page = await context.newPage();
  page.problems = [];
  page.urls = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (line) => {
    if (line.type() === 'error' && !page.expectsErrors) {
      page.problems.push(line.text());
    }
  });
  page.on('request', (asked) => page.urls.push(asked.url()));
  await page.goto(`${admin}/`);
  await row(page, nodes[0]).waitFor();
  return page;
}

const stateOf = (page, node) => row(page, node).getAttribute('data-state');
const why = (page, node) =>
  page.locator(`tr.node[data-node="${node}"] + tr.why`).innerText({ timeout: oneWait });
const sumUp = (page) => page.locator('#nodes-sum').innerText();
const column = (page, key) => Promise.all(nodes.map((node) => cell(page, node, key)));

async function shoot(page) {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1600, 400]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 1000 });
      const path = outputFile(`status-${colorScheme}-${width}.png`);
      await page.screenshot({ path, fullPage: true });
      const wider = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      checkEqual(`${colorScheme}, ${width} pixels: nothing stands out at the side`, wider, 0);
    }
  }
  await page.setViewportSize({ width: 1600, height: 1000 });
}

// --- what is tested -----------------------------------------------------------------------------

async function numbers(page) {
  const opened = { 'node-a1': 5, 'node-b1': 3, 'node-sd1': 2, 'node-sd2': 0 };
  const truth = nodes.map((node) => opened[node]);
  const clients = {};
  for (const node of nodes) {
    clients[node] = await Promise.all(
      Array.from({ length: opened[node] }, () => openClient(node)),
    );
  }
  const sum = truth.reduce((a, b) => a + b);
  await becomes('sessions of each node', () => column(page, 'sessions'), truth);
  await becomes('held polls of each node', () => column(page, 'held'), truth);
  await becomes('sessions in all', () => total(page, 'sessions'), sum);
  await becomes('held polls in all', () => total(page, 'held'), sum);
  // Each poll has a connection of its own; the page has none there.
  await becomes('connections', () => total(page, 'connections'), sum);
  const links = async () => (await column(page, 'links')).map((n, i) => n >= truth[i]);
  await becomes('a link for each held poll at least', links, truth.map(() => true));
  await becomes('links in all', async () => {
    const each = await column(page, 'links');
    return (await total(page, 'links')) === each.reduce((a, b) => a + b);
  }, true);
  await becomes('all that were started are up', () => sumUp(page), '4 of 5 up');

  await clients['node-a1'].pop().leave();
  // Its session is kept for half a minute more, for copies of its last requests.
  await becomes('one poll less', () => total(page, 'held'), sum - 1);
  return clients;
}

async function killed(page, clients) {
  await lab('kill', 'node-b1');
  await becomes('killed: down', () => stateOf(page, 'node-b1'), 'down');
  const words = await why(page, 'node-b1');
  check('it says why', words.includes('takes no connections: refused'), words);
  check('and the mend', words.includes('Start the node'), words);
  await becomes('its polls have ended', () => cell(page, 'node-b1', 'held'), 0);
  await Promise.all(clients['node-b1'].map(({ ended }) => ended));
  const spoken = await page.locator('#news').textContent();
  check('it is said aloud', spoken.includes('node-b1 is down'), spoken);
  const others = nodes.filter((node) => node !== 'node-b1');
  checkEqual(
    'the others are up',
    await Promise.all(others.map((node) => stateOf(page, node))),
    others.map(() => 'up'),
  );
  checkEqual('3 are up', await sumUp(page), '3 of 5 up');

  const gone = await post('/node-b1', `<body ${space} rid='1' to='${domain}' wait='5' hold='1'/>`);
  check('a client is told', gone.status !== 200 || gone.text.includes('terminate'), gone.text);
  const line = page.locator('#log li').filter({ hasText: 'node-b1' }).first();
  await line.waitFor();
  check('the log is shown', true);
  const reasons = page.locator('#reasons li');
  await reasons.first().waitFor();
  const without = await reasons.filter({ hasNot: page.locator('.mend') }).count();
  checkEqual('each trouble has its mend', without, 0);
}

async function errorCounts(page) {
  const count = async () => {
    const item = page.locator('#reasons li[data-reason="no_route"] .counts');
    return (await item.count()) === 0 ? 0 : numberOf((await item.innerText()).split(' ')[0]);
  };
  const before = await count();
  for (let i = 0; i < 7; i += 1) {
    await post('/nowhere', '<body/>');
  }
  await becomes('seven wrong paths are counted', async () => (await count()) - before, 7);
}

async function frozen(page) {
  await lab('freeze', 'node-sd2');
  await becomes('frozen: down', () => stateOf(page, 'node-sd2'), 'down');
  const words = await why(page, 'node-sd2');
  check('it does not answer', words.includes('does not answer any more'), words);
  await shoot(page);
  await lab('thaw', 'node-sd2');
  await becomes('thawed: up', () => stateOf(page, 'node-sd2'), 'up');
  await lab('restart', 'node-b1');
  await becomes('restarted: up', () => stateOf(page, 'node-b1'), 'up');
  await becomes('all that were started are up again', () => sumUp(page), '4 of 5 up');
  checkEqual('nothing is left of why', await page.locator('tr.why:visible').count(), 1);
}

async function maintenance(page) {
  const press = (verb) =>
    row(page, 'node-a1').getByRole('button', { name: `${verb} node-a1` }).click();
  const dialog = page.locator('#dialog');
  const go = (verb) => dialog.getByRole('button', { name: verb, exact: true }).click();

  await press('Drain');
  await go('Drain');
  checkEqual(
    'without a token nothing is done',
    await page.locator('#dialog-problem').innerText(),
    'This needs a token of admin.token_file.',
  );
  page.expectsErrors = true; // the browser tells of the 401
  await page.locator('#token').fill('ab'.repeat(32));
  await go('Drain');
  const wrong = 'This is none of the tokens of admin.token_file.';
  await page.locator(`#dialog-problem:has-text("${wrong}")`).waitFor();
  check('a wrong token is told', true);
  checkEqual('the node is up as before', await stateOf(page, 'node-a1'), 'up');
  page.expectsErrors = false;

  await page.locator('#token').fill(token);
  await go('Drain');
  await becomes('with the token it drains', () => stateOf(page, 'node-a1'), 'draining');
  await becomes('the sessions stay', () => cell(page, 'node-a1', 'sessions'), 4);
  await becomes('and their polls', () => cell(page, 'node-a1', 'held'), 4);
  const refused = await post(
    '/node-a1',
    `<body ${space} rid='1' to='${domain}' wait='5' hold='1'/>`,
  );
  check('no new session is opened', !attribute(refused.text, 'sid'), refused.text);

  await press('Disable');
  const warning = await page.locator('#dialog-text').innerText();
  check('what disabling costs is said first', warning.includes('4 sessions'), warning);
  await go('Disable');
  await becomes('it is disabled', () => stateOf(page, 'node-a1'), 'disabled');
  await becomes('its polls have ended', () => cell(page, 'node-a1', 'held'), 0);
  await press('Enable');
  await go('Enable');
  await becomes('it is enabled', () => stateOf(page, 'node-a1'), 'up');

  const stored = await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
  checkEqual('the token is stored nowhere', stored, '{}');
  checkEqual('nor in a URL', page.urls.filter((url) => url.includes(token)), []);
}

async function lookUp(page) {
  const ask = async (who) => {
    await page.getByLabel('User', { exact: true }).fill(who);
    await page.getByRole('button', { name: 'Look up' }).click();
    const verdict = page.locator('#found p:not(:text("Looking…"))').first();
    await verdict.waitFor();
    return page.locator('#found').innerText();
  };
  const found = await ask(`alice@${domain}`);
  check('an unknown user goes to the primary', found.includes('goes to node-sd1'), found);
  await page.getByLabel(/ask the nodes now/).check();
  const asked = await ask(`alice@${domain}`);
  check('the nodes say where', asked.includes('home node-a1, backup node-b1'), asked);
  check('and how it was found', asked.includes('primary discovery node'), asked);
  page.expectsErrors = true; // the browser tells of the 400
  const nobody = await ask('nobody');
  check('what is no user is told', nobody.includes('name@domain'), nobody);
  page.expectsErrors = false;
}

// What a screen reader and a keyboard find.
async function access(page) {
  for (const role of ['banner', 'main', 'contentinfo']) {
    checkEqual(`landmark: ${role}`, await page.getByRole(role).count(), 1);
  }
  const heads = await page.locator('#nodes').getByRole('columnheader').count();
  checkEqual('the table has its headers', heads, 8);
  checkEqual('and each row its own', await page.locator('tr.node > th[scope=row]').count(), rows);
  checkEqual('one live region', await page.locator('[role=status], [aria-live]').count(), 1);
  const unnamed = await page.evaluate(() =>
    [...document.querySelectorAll('button, input')]
      .filter((one) => one.offsetParent && !one.labels?.length)
      .filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim())).length,
  );
  checkEqual('every control has a name', unnamed, 0);
  await page.keyboard.press('Tab');
  await row(page, 'node-a1').getByRole('button').first().focus();
  await pause(2500); // two updates
  const still = await page.evaluate(() => document.activeElement.getAttribute('aria-label'));
  checkEqual('updates do not take the focus', still, 'Drain node-a1');
}

// Light text on light ground is found by arithmetic: WCAG 2.1, 1.4.3.
async function contrast(page) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    const least = await page.evaluate(() => {
      const parts = (text) => text.match(/[\d.]+/g).map(Number);
      const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map((value) => {
          const one = value / 255;
          return one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
      };
      const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
          const colour = parts(getComputedStyle(at).backgroundColor);
          if (colour[3] !== 0) {
            return light(colour);
          }
        }
        return light([255, 255, 255]);
      };
      const found = [...document.querySelectorAll('body *')]
        .filter((one) => one.offsetParent && one.innerText?.trim())
        .map((one) => {
          const pair = [light(parts(getComputedStyle(one).color)), ground(one)];
          return { ratio: (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05), one };
        })
        .sort((a, b) => a.ratio - b.ratio)[0];
      return [found.ratio, `${found.one.tagName} ${found.one.className}`];
    });
    check(`${colorScheme}: contrast of 4.5 everywhere`, least[0] >= 4.5, least.join(' '));
  }
}

async function ends(page) {
  await openClient('node-a1'); // what it waits for
  await becomes('a poll is held', () => cell(page, 'node-a1', 'held'), 1);
  page.expectsErrors = true; // connections are refused
  process.kill(Number(process.env.PROXY_PID), 'SIGTERM');
  await becomes('draining is shown', () => page.locator('#state').innerText(), 'draining');
  const banner = await page.locator('#banner').innerText();
  check('with what it waits for', /\d+ held polls?\.$/.test(banner), banner);
  await becomes('no answer is shown', () => page.locator('#state').innerText(), 'no answer');
  const lost = await page.locator('#banner').innerText();
  check('and of when the numbers are', /as of \d\d:\d\d:\d\d/.test(lost), lost);
}

await main('status page', async () => {
  if (!admin || !proxy || !token || !LAB_DIR) {
    throw new Error('run this by with_proxy, with --token, --env ADMIN_URL and ADMIN_TOKEN');
  }
  const browser = await launch();
  const page = await openPage(browser);
  await access(page);
  const clients = await numbers(page);
  await lookUp(page);
  await errorCounts(page);
  await killed(page, clients);
  await contrast(page);
  await frozen(page);
  await maintenance(page);
  checkEqual('no errors, no policy violations', page.problems, []);
  const own = (url) => url.startsWith(`${admin}/`) || url.startsWith('data:');
  const elsewhere = page.urls.filter((url) => !own(url));
  checkEqual('nothing is asked of anybody else', elsewhere, []);
  await ends(page);
  await browser.close();
  agent.destroy();
});
