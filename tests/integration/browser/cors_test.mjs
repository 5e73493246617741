// What Chromium makes of the proxy's CORS headers: pages of an allowed and of a refused origin POST
// text/xml to node paths, with and without credentials; errors must be readable; preflights must be
// kept for Max-Age and asked once for each URL. The proxies and the node behind them are the test's
// own.
//
//   BOSHGATE=build/dev/bin/boshgate node tests/integration/browser/cors_test.mjs

import { createServer } from 'node:http';
import { once } from 'node:events';
import { createServer as createTcpServer } from 'node:net';

import { startBoshgate } from './boshgate.mjs';
import { check, checkEqual, launch, main, oneWait } from './browser.mjs';

const allowed = 'http://chat.example.com';
const refused = 'http://other.example.net';
const answerText = "<body xmlns='http://jabber.org/protocol/httpbind' sid='grüße-漢字'/>";
const bodyLimit = 4096;

async function listen(handler) {
  const server = createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: server.address().port };
}

// A node that answers every POST alike, with CORS headers of its own as real ones send them: the
// proxy must replace them. Counts what reaches it.
async function startNode() {
  const seen = { requests: 0, options: 0 };
  const { server, port } = await listen((request, response) => {
    seen.requests += 1;
    seen.options += request.method === 'OPTIONS' ? 1 : 0;
    request.resume();
    request.on('end', () => {
      response.writeHead(200, {
        'Content-Type': 'text/xml; charset=utf-8',
        'Access-Control-Allow-Origin': '*',
        'Access-Control-Allow-Headers': 'Content-Type',
        'Cache-Control': 'no-store',
      });
      response.end(answerText);
    });
  });
  return { seen, server, port };
}

// A node that answers with something that isn't HTTP.
async function startOddNode() {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {}); // the proxy may cut it
    socket.on('data', () => socket.end('how do you do?\r\n\r\n'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: server.address().port };
}

async function closedPort() {
  const { server, port } = await listen(() => {});
  server.close();
  await once(server, 'close');
  return port;
}

function configuration(ports, credentials) {
  return `
threads: 1
sessions: { enabled: false }
listen: [{ address: "127.0.0.1:0" }]
nodes:
  node-a1: "http://127.0.0.1:${ports.node}/http-bind"
  node-b1: "http://127.0.0.1:${ports.node}/http-bind"
  node-down: "http://127.0.0.1:${ports.dead}/http-bind"
  node-odd: "http://127.0.0.1:${ports.odd}/http-bind"
cors: { origins: ["${allowed}"], credentials: ${credentials} }
limits: { body_bytes: ${bodyLimit}B }
timeouts: { drain: 1s }
log: { access: "off" }
`;
}

// A page of `origin`, with the preflights that the browser sends counted in page.preflights.
async function openPage(browser, origin) {
  const context = await browser.newContext();
  context.setDefaultTimeout(oneWait);
  const page = await context.newPage();
  page.preflights = [];
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  session.on('Network.requestWillBeSent', ({ request }) => {
    if (request.method === 'OPTIONS') {
      page.preflights.push(request.url);
    }
  });
  await page.goto(`${origin}/`);
  return page;
}

// POSTs as a BOSH client does; resolves to {status, text, headers}, or {error} when the browser
// withholds the answer.
function post(page, url, options = {}) {
  const init = {
    method: 'POST',
    body: '<body/>',
    headers: { 'Content-Type': 'text/xml' },
    ...options,
  };
  return page.evaluate(
    async ([to, how]) => {
      try {
        const answer = await fetch(to, how);
        return {
          status: answer.status,
          text: await answer.text(),
          headers: [...answer.headers.keys()],
        };
      } catch (error) {
        return { error: error.name };
      }
    },
    [url, init],
  );
}

async function allowedOrigin(page, proxy, node) {
  const answer = await post(page, `${proxy}/node-a1`);
  checkEqual('an allowed origin gets the answer', [answer.status, answer.text], [200, answerText]);
  checkEqual('its preflight is answered by the proxy', node.seen.options, 0);
  checkEqual('there was one preflight', page.preflights.length, 1);
  for (let i = 0; i < 3; i += 1) {
    await post(page, `${proxy}/node-a1`);
  }
  checkEqual('Max-Age: no more preflights for that URL', page.preflights.length, 1);
  await post(page, `${proxy}/node-b1`);
  checkEqual('another URL, another preflight', page.preflights.length, 2);
  const custom = { headers: { 'Content-Type': 'text/xml', 'X-Custom': '1' } };
  checkEqual(
    'a header that is not listed is refused',
    await post(page, `${proxy}/node-a1`, custom),
    {
      error: 'TypeError',
    },
  );
  const { headers } = await post(page, `${proxy}/node-a1`);
  check('Content-Type is readable', headers?.includes('content-type'), String(headers));
}

async function errors(page, proxy) {
  const large = { body: 'x'.repeat(bodyLimit + 1) };
  const cases = [
    ['an unknown path', 404, `${proxy}/nowhere`, {}],
    ['a body above the limit', 413, `${proxy}/node-a1`, large],
    ['a node that is down', 503, `${proxy}/node-down`, {}],
    ['a node that talks nonsense', 502, `${proxy}/node-odd`, {}],
  ];
  for (const [what, status, url, options] of cases) {
    const answer = await post(page, url, options);
    checkEqual(`${what} is a readable ${status}`, answer.status ?? answer.error, status);
  }
  const fits = await post(page, `${proxy}/node-a1`, { body: 'x'.repeat(bodyLimit) });
  checkEqual('a body of just the limit passes', fits.status, 200);
  const put = await post(page, `${proxy}/node-a1`, { method: 'PUT' });
  checkEqual('a method that is not allowed is withheld', put, { error: 'TypeError' });
}

async function refusedOrigin(page, proxy, node) {
  const before = node.seen.requests;
  checkEqual('a refused origin gets nothing', await post(page, `${proxy}/node-a1`), {
    error: 'TypeError',
  });
  const plain = { headers: { 'Content-Type': 'text/plain' } };
  checkEqual('without a preflight neither', await post(page, `${proxy}/node-a1`, plain), {
    error: 'TypeError',
  });
  checkEqual('errors are withheld too', await post(page, `${proxy}/nowhere`), {
    error: 'TypeError',
  });
  checkEqual('nothing of it reached the node', node.seen.requests, before);
}

async function credentials(page, withThem, withoutThem) {
  const include = { credentials: 'include' };
  const answer = await post(page, `${withThem}/node-a1`, include);
  checkEqual(
    'credentials: allowed where configured',
    [answer.status, answer.text],
    [200, answerText],
  );
  const error = await post(page, `${withThem}/node-down`, include);
  checkEqual('credentials: errors are readable', error.status, 503);
  const withheld = await post(page, `${withoutThem}/node-a1`, include);
  checkEqual('credentials: withheld where not configured', withheld, { error: 'TypeError' });
}

await main('CORS in Chromium', async () => {
  const pages = await listen((request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' });
    response.end('<!doctype html><title>a page of another origin</title>');
  });
  const node = await startNode();
  const odd = await startOddNode();
  const ports = { node: node.port, odd: odd.port, dead: await closedPort() };
  const plain = await startBoshgate(configuration(ports, false));
  const open = await startBoshgate(configuration(ports, true));
  const [proxy, proxyWithCredentials] = [plain, open].map(({ port }) => `http://127.0.0.1:${port}`);
  const browser = await launch({ 'chat.example.com': pages.port, 'other.example.net': pages.port });

  const page = await openPage(browser, allowed);
  await allowedOrigin(page, proxy, node);
  await errors(page, proxy);
  await credentials(page, proxyWithCredentials, proxy);
  await refusedOrigin(await openPage(browser, refused), proxy, node);

  await browser.close();
  checkEqual('both proxies end with 0', [await plain.stop(), await open.stop()], [0, 0]);
  node.server.close();
  odd.server.close();
  pages.server.close();
});
