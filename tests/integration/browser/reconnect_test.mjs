// The demo page when its node dies and comes back: it says so, signs in again by itself, and the
// users go on talking. Runs inside `tests/lab/lab run`, which sets LAB and LAB_DIR.
//
//   DEMO_URL=https://127.0.0.1:8443/ node tests/integration/browser/reconnect_test.mjs

import { execFileSync } from 'node:child_process';

import { check, checkEqual, launch, main, oneWait } from './browser.mjs';
import { openPage, person, say, shoot, signIn, users } from './demo_page.mjs';

const node = (process.env.DEMO_NODE ?? '/node-a1').slice(1);
const desktop = { viewport: { width: 1280, height: 800 } };
// Strophe repeats a failed request at once and after 8 and 27 s.
const patience = { timeout: 2 * oneWait };

function lab(command) {
  execFileSync(process.env.LAB, [command, process.env.LAB_DIR, node], { stdio: 'inherit' });
}

const fact = (page, name) => page.locator(`#facts dt:text-is("${name}") + dd`);

await main('demo page, node lost', async () => {
  if (!process.env.LAB || !process.env.LAB_DIR) {
    throw new Error('LAB and LAB_DIR are not set: run this inside `tests/lab/lab run`');
  }
  const browser = await launch();
  const alice = await openPage(browser, desktop);
  const [a, b] = await users(alice);
  await signIn(alice, a);
  const bob = await openPage(browser, desktop);
  await signIn(bob, b);

  lab('kill');
  await alice.locator('#banner').waitFor(patience);
  check('the page says that something is wrong', true);
  await shoot(alice, 'node-lost');
  lab('restart');
  for (const page of [alice, bob]) {
    await page.locator('#link-dot.online').waitFor(patience);
    await fact(page, 'Reconnects').filter({ hasText: /[1-9]/ }).waitFor(patience);
  }
  check('both users are signed in again by themselves', true);

  await person(alice, b.jid).click();
  await person(bob, a.jid).click();
  await say(alice, 'you too?');
  await bob.locator('.theirs .text:text-is("you too?")').waitFor();
  await alice.locator('.mine .mark:text-is("✓✓")').waitFor();
  check('messages pass again', true);
  checkEqual('the banner is gone', await alice.locator('#banner').isHidden(), true);
  await browser.close();
});
