// The demo page through the proxy: two users sign in, each in a browser context of its own, and
// chat both ways; markup and text beyond ASCII arrive as written; a reload goes on with the
// session; signing out ends it. Screenshots in light and dark, on a phone and on a desktop.
//
//   DEMO_URL=https://127.0.0.1:8443/ node tests/integration/browser/demo_test.mjs
//
// Environment: DEMO_URL, the page; DEMO_USERS, two accounts as jid:password,jid:password (default:
// the first two that the page's config.json offers); DEMO_NODE, the path to sign in through
// (default: the page's own choice); OUTPUT_DIR.

import { check, checkEqual, launch, main } from './browser.mjs';
import { openPage, person, say, shoot, signIn, users } from './demo_page.mjs';

const phone = { width: 400, height: 860 };
const desktop = { width: 1280, height: 800 };
const texts = [
  'Hi Bob, did the new proxy survive the night?',
  'Grüße! Žluťoučký kůň, 你好, привет, 👩‍🚀 — all through one BOSH session.',
  '<b>not bold</b> & <script>alert("x")</script> ]]> &amp;',
];
const answers = [
  'It did. Nine thousand held polls, one core, flat latency.',
  'And when I pulled the plug of node-a1, nobody noticed. ☕',
  'line one\nline two',
];

// Opens the conversation with `jid`, also for a user who isn't in the roster.
async function talkTo(page, jid) {
  await person(page, jid).first().click();
  await page.locator('#conversation').waitFor();
}

async function chat(alice, bob, a, b) {
  const bobsTexts = bob.locator('.theirs .text');
  await talkTo(alice, b.jid);
  await say(alice, texts[0]);
  await person(bob, a.jid).locator('.unread:text-is("1")').waitFor();
  check('a message to a closed conversation counts as unread', true);
  await shoot(bob, 'people-unread');
  await talkTo(bob, a.jid);
  for (const [i, text] of answers.entries()) {
    await say(bob, text);
    await alice.locator('.theirs .text').nth(i).waitFor();
    await say(alice, texts[i + 1] ?? 'bye');
    await bobsTexts.nth(i + 1).waitFor();
  }
  checkEqual('Bob reads what Alice wrote', await bobsTexts.allTextContents(), [...texts, 'bye']);
  const alicesTexts = await alice.locator('.theirs .text').allTextContents();
  checkEqual('Alice reads what Bob wrote', alicesTexts, answers);
  checkEqual('markup stays text', await bob.locator('.text *').count(), 0);
  await alice.locator('.mine .mark:text-is("✓✓")').nth(texts.length).waitFor();
  check('every message is marked as delivered', true);
  check('unread is gone', await person(bob, a.jid).locator('.unread').isHidden());
}

async function typing(alice, bob) {
  await alice.getByLabel('Message', { exact: true }).fill('');
  await alice.getByLabel('Message', { exact: true }).pressSequentially('wait…');
  const notice = bob.locator('#typing');
  // Chat states go only to contacts whose presence is known, so accounts without a shared roster
  // see none.
  if (await alice.locator('#peer-avatar.available').count()) {
    await notice.filter({ hasText: 'is typing' }).waitFor();
    check('typing is shown to the other side', true);
  }
}

async function connection(page) {
  await page.locator('#facts dt:text-is("Round trip")').waitFor();
  const facts = {};
  for (const row of await page.locator('#facts > div').all()) {
    facts[await row.locator('dt').textContent()] = await row.locator('dd').textContent();
  }
  console.log(
    `        ${Object.entries(facts)
      .map(([name, value]) => `${name}: ${value}`)
      .join('; ')}`,
  );
  check(
    'the panel names the node and its path',
    facts['Node path']?.startsWith('/') && facts['Node software'],
  );
  check('the panel shows a round trip', /^\d+\.\d ms$/.test(facts['Round trip']));
}

async function screenshots(alice, bob) {
  for (const scheme of ['light', 'dark']) {
    await alice.emulateMedia({ colorScheme: scheme });
    await alice.setViewportSize(desktop);
    await shoot(alice, `chat-${scheme}-1280`);
    await alice.setViewportSize(phone);
    await shoot(alice, `chat-${scheme}-400`);
    await alice.setViewportSize(desktop);
    await bob.emulateMedia({ colorScheme: scheme });
    await bob.setViewportSize(phone);
    await bob.locator('#back').click();
    await shoot(bob, `people-${scheme}-400`);
    await bob.locator('#link-open').click();
    await shoot(bob, `connection-${scheme}-400`);
    await bob.locator('#link-close').click();
    const wide = await bob.evaluate(() => document.documentElement.scrollWidth);
    check(`nothing overflows a phone's width (${scheme})`, wide <= phone.width, `${wide} px`);
    await bob.locator('.person').first().click();
    await bob.setViewportSize(desktop);
  }
}

async function reload(alice, bob, a) {
  const before = await alice.locator('#facts dt:text-is("Signed in as") + dd').textContent();
  await alice.reload();
  await alice.locator('#chat').waitFor();
  const after = await alice.locator('#facts dt:text-is("Signed in as") + dd').textContent();
  checkEqual('a reload goes on with the same session', after, before);
  await say(bob, 'still there?');
  await alice.locator('.person .unread').first().waitFor();
  check('messages arrive after the reload', true);
  await bob.getByLabel('My presence').selectOption('dnd');
  if (await person(bob, a.jid).locator('.avatar.available').count()) {
    await alice.locator('.person .avatar.dnd').first().waitFor();
    check('a change of presence is shown', true);
  }
}

async function wrongPassword(browser, a) {
  const page = await openPage(browser, { viewport: desktop });
  await page.getByLabel('Address', { exact: true }).fill(a.jid);
  await page.getByLabel('Password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  const error = page.locator('#signin-error');
  await error.waitFor();
  checkEqual(
    'a wrong password is told',
    await error.textContent(),
    'The node refused this name or password.',
  );
  await page.context().close();
}

await main('demo page', async () => {
  const browser = await launch();
  const alice = await openPage(browser, { viewport: desktop });
  const [a, b] = await users(alice);
  await alice.locator('#node-check[data-verdict]').waitFor();
  checkEqual(
    'the chosen node answers',
    await alice.locator('#node-check').getAttribute('data-verdict'),
    'good',
  );
  for (const scheme of ['light', 'dark']) {
    await alice.emulateMedia({ colorScheme: scheme });
    await shoot(alice, `signin-${scheme}-1280`);
    await alice.setViewportSize(phone);
    await shoot(alice, `signin-${scheme}-400`);
    await alice.setViewportSize(desktop);
  }
  await wrongPassword(browser, a);

  await signIn(alice, a);
  const bob = await openPage(browser, { viewport: desktop });
  await signIn(bob, b);
  check('two users are signed in', true);
  await chat(alice, bob, a, b);
  await typing(alice, bob);
  await connection(alice);
  await screenshots(alice, bob);
  await reload(alice, bob, a);

  await alice.getByRole('button', { name: 'Sign out' }).click();
  await alice.locator('#signin').waitFor();
  check('signing out leads back to the form', await alice.locator('#signin-error').isHidden());
  await bob.getByRole('button', { name: 'Sign out' }).click();
  await bob.locator('#signin').waitFor();
  checkEqual('no errors, no policy violations (Alice)', alice.problems, []);
  checkEqual('no errors, no policy violations (Bob)', bob.problems, []);
  await browser.close();
});
