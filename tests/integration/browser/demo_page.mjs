// The demo page as a user sees it: opening it, signing in, talking. Environment: DEMO_URL, the
// page; DEMO_USERS, two accounts as jid:password,jid:password (default: the first two that the
// page's config.json offers); DEMO_NODE, the path to sign in through (default: the page's own
// choice).

import { oneWait, outputFile } from './browser.mjs';

const url = process.env.DEMO_URL;
const common = { ignoreHTTPSErrors: true, locale: 'en-GB', reducedMotion: 'reduce' };

// The two accounts to use: [{jid, password}].
export async function users(page) {
  if (process.env.DEMO_USERS) {
    return process.env.DEMO_USERS.split(',').map((user) => {
      const colon = user.indexOf(':');
      return { jid: user.slice(0, colon), password: user.slice(colon + 1) };
    });
  }
  const config = await page.evaluate(async () => (await fetch('config.json')).json());
  return config.accounts.slice(0, 2);
}

// One browser context with the page open; what the page throws, logs as an error or is refused by
// its policy is kept.
export async function openPage(browser, options) {
  if (!url) {
    throw new Error('DEMO_URL is not set: it names the page');
  }
  const context = await browser.newContext({ ...common, ...options });
  context.setDefaultTimeout(oneWait);
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (line) => {
    if (line.type() === 'error') {
      page.problems.push(line.text());
    }
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) {
      page.problems.push(`request to another origin: ${request.url()}`);
    }
  });
  await page.goto(url);
  await page.locator('#signin').waitFor();
  return page;
}

export async function signIn(page, { jid, password }) {
  await page.getByLabel('Address', { exact: true }).fill(jid);
  await page.getByLabel('Password').fill(password);
  if (process.env.DEMO_NODE) {
    await page.getByLabel('Node', { exact: true }).selectOption(process.env.DEMO_NODE);
  }
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('#chat').waitFor();
}

export const person = (page, jid) => page.locator(`.person[data-jid="${jid}"]`);

export async function say(page, text) {
  await page.getByLabel('Message', { exact: true }).fill(text);
  await page.keyboard.press('Enter');
}

export async function shoot(page, name) {
  await page.screenshot({ path: outputFile(`${name}.png`) });
}
