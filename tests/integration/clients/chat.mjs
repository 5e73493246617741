// Two users of one real client log in through a BOSH URL, send each other many messages with markup
// and text beyond ASCII, and log out. Every message must arrive once, in order, and as it was
// written.
//
//   node tests/integration/clients/chat.mjs --client strophe|stanza|caxl --url URL
//        --users JID:PASSWORD,JID:PASSWORD [--messages 1000] [--window 50] [--timeout 120]
//        [--pace 0] [--insecure]
//
// --messages is for each direction; --window is how many of them may be on their way; --timeout, in
// seconds, bounds the whole run; --insecure accepts any certificate. --pace is the least time, in
// milliseconds, between two requests of one user. ejabberd needs it: a request that it reads before
// its predecessor, which a busy machine lets happen to two connections that become readable
// together, stays unanswered there until other data comes for that user. Prints one line; the exit
// status is 0 only when all is well.

import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';

import { clientOf } from './every_client.mjs';
import { HttpClient } from './http_client.mjs';
import { oddTexts } from './odd_texts.mjs';

const talkers = ['strophe', 'stanza', 'caxl'];

const samples = [...oddTexts, 'x'.repeat(2000)];

// Marks the messages of this run: a session that an earlier run left behind may still hand over its
// own.
const runMark = randomBytes(4).toString('hex');

function text(from, number) {
  return `${runMark} ${from} ${number}: ${samples[number % samples.length]}`;
}

// One direction: what was sent, what has arrived, and what was wrong with it.
class Direction {
  constructor(from, to, count) {
    Object.assign(this, { from, to, count });
    this.sent = 0;
    // The full JID, once it is known: a session left over from another run gets no copies then.
    this.address = to;
    this.seen = new Set();
    this.last = 0;
    this.wrong = { doubled: 0, disordered: 0, altered: 0 };
  }

  // Sends until `window` messages are on their way.
  feed(client, window) {
    while (this.sent < this.count && this.sent - this.seen.size < window) {
      this.sent += 1;
      client.send(this.address, text(this.from, this.sent));
    }
  }

  take(body) {
    const number = Number(/^\S+ \S+ (\d+): /.exec(body)?.[1] ?? 0);
    this.wrong.doubled += this.seen.has(number) ? 1 : 0;
    this.wrong.disordered += number < this.last ? 1 : 0;
    if (body !== text(this.from, number)) {
      this.wrong.altered += 1;
      console.error(`altered: ${JSON.stringify(body)}`);
    }
    this.seen.add(number);
    this.last = Math.max(this.last, number);
  }

  get done() {
    return this.seen.size === this.count;
  }

  get good() {
    return this.done && Object.values(this.wrong).every((count) => count === 0);
  }

  toString() {
    const { doubled, disordered, altered } = this.wrong;
    return (
      `${this.from.split('@')[0]} to ${this.to.split('@')[0]}: ` +
      `${this.seen.size} of ${this.count}, ${this.sent - this.seen.size} lost, ` +
      `${doubled} doubled, ${disordered} out of order, ${altered} altered`
    );
  }
}

function usage(problem) {
  console.error(`chat.mjs: ${problem}`);
  console.error(
    'usage: chat.mjs --client strophe|stanza|caxl --url URL --users JID:PASSWORD,JID:PASSWORD',
  );
  console.error('       [--messages N] [--window N] [--timeout SECONDS] [--pace MS] [--insecure]');
  process.exit(2);
}

function parsed() {
  const { values } = parseArgs({
    options: {
      client: { type: 'string' },
      url: { type: 'string' },
      users: { type: 'string' },
      messages: { type: 'string', default: '1000' },
      window: { type: 'string', default: '50' },
      timeout: { type: 'string', default: '120' },
      pace: { type: 'string', default: '0' },
      insecure: { type: 'boolean', default: false },
    },
  });
  return values;
}

function options() {
  let values;
  try {
    values = parsed();
  } catch (error) {
    usage(error.message);
  }
  const users = (values.users ?? '').split(',').map((user) => {
    const colon = user.indexOf(':');
    return { jid: user.slice(0, colon), password: user.slice(colon + 1) };
  });
  if (!talkers.includes(values.client) || !/^https?:/.test(values.url) || users.length !== 2) {
    usage('expected one of the clients, a URL and two users');
  }
  const [messages, window, timeout] = ['messages', 'window', 'timeout'].map((name) => {
    const number = Number(values[name]);
    return number > 0 ? number : usage(`--${name} expects a number above 0, not '${values[name]}'`);
  });
  const pace = Number(values.pace);
  if (!(pace >= 0)) {
    usage(`--pace expects milliseconds, not '${values.pace}'`);
  }
  return { ...values, users, messages, window, timeout, pace };
}

// Both users log in, talk and log out. Calls `progress` with what is going on; throws when a
// session is lost.
async function run({ client, url, users, insecure, window, pace }, directions, progress) {
  const Client = await clientOf(client);
  let finished;
  const talked = new Promise((resolve, reject) => {
    finished = { resolve, reject };
  });
  talked.catch(() => {}); // a session may be lost before anybody waits for the talk
  let leaving = false;
  const clients = users.map(({ jid, password }, me) => {
    const [mine, theirs] = [directions[me], directions[1 - me]];
    const onMessage = (from, body) => {
      if (from !== theirs.from || !body.startsWith(runMark)) {
        return;
      }
      theirs.take(body);
      theirs.feed(clients[1 - me], window);
      if (mine.done && theirs.done) {
        finished.resolve();
      }
    };
    const onLost = (why) =>
      leaving || finished.reject(new Error(`${jid} lost the session: ${why}`));
    return new Client({
      url,
      jid,
      password,
      http: new HttpClient({ insecure, pace }),
      onMessage,
      onLost,
    });
  });
  progress('logging in');
  for (const [i, one] of clients.entries()) {
    directions[1 - i].address = await one.login();
  }
  progress('talking');
  const began = performance.now();
  clients.forEach((one, i) => directions[i].feed(one, window));
  await talked;
  const seconds = (performance.now() - began) / 1000;
  progress('logging out');
  leaving = true;
  await Promise.all(clients.map((one) => one.logout()));
  const sum = (what) => clients.reduce((total, one) => total + one.http[what], 0);
  const mostOpen = Math.max(...clients.map((one) => one.http.mostOpen));
  return { seconds, requests: sum('requests'), overtaken: sum('overtaken'), mostOpen };
}

const wanted = options();
const [a, b] = wanted.users.map(({ jid }) => jid);
const directions = [new Direction(a, b, wanted.messages), new Direction(b, a, wanted.messages)];
let stage = 'starting';

function report(verdict, rest) {
  console.log(`${verdict}  ${wanted.client}  ${wanted.url}  ${directions.join('; ')}; ${rest}`);
}

setTimeout(() => {
  report('FAILED', `${stage} for too long: ${wanted.timeout} s are over`);
  process.exit(1);
}, wanted.timeout * 1000);

try {
  const { seconds, requests, overtaken, mostOpen } = await run(wanted, directions, (now) => {
    stage = now;
  });
  const good = directions.every((direction) => direction.good);
  report(
    good ? 'ok' : 'FAILED',
    `${seconds.toFixed(2)} s, ${requests} requests, ${mostOpen} open at most, ` +
      `${overtaken} answers overtook another`,
  );
  process.exit(good ? 0 : 1);
} catch (error) {
  report('FAILED', `while ${stage}: ${error.message}`);
  process.exit(1);
}
