// Pairs of users on real clients log in through the discovery endpoint and send each other numbered
// messages for some time. No session may be lost meanwhile, and no message lost or doubled.
//
//   long_talk.mjs --url URL --pairs N --seconds S [--think MS] [--patience S] [--addresses]
//
// One pair in three is on each client. CAXL names its user by `from`, Strophe and stanza by the
// path behind the endpoint. --think is the pause between two messages, --patience how long a
// message may take; with --addresses each user has an address. Says "talking" once everybody has
// logged in, and ends with a line of JSON.

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { Direction } from '../faults/numbered.mjs';
import { Turns } from '../faults/turns.mjs';
import { CaxlClient } from './caxl_client.mjs';
import { StanzaClient } from './stanza_client.mjs';
import { StropheClient } from './strophe_client.mjs';

const kinds = [
  ['strophe', StropheClient],
  ['stanza', StanzaClient],
  ['caxl', CaxlClient],
];
const domain = 'example.com';
const stragglers = 1000; // ms in which a doubled message may still come

const { values: given } = parseArgs({
  options: {
    url: { type: 'string' },
    pairs: { type: 'string' },
    seconds: { type: 'string' },
    think: { type: 'string', default: '300' },
    patience: { type: 'string', default: '60' },
    addresses: { type: 'boolean', default: false },
  },
});
const think = Number(given.think);
const ended = []; // sessions that were lost
const times = []; // of messages from one user to the other, in ms

class User {
  constructor(number, onMessage) {
    const [kind, Client] = kinds[Math.floor(number / 2) % kinds.length];
    const name = `user${number + 1}`;
    const jid = `${name}@${domain}`;
    this.kind = kind;
    const lost = (why) => this.lost(String(why));
    this.turns = new Turns({
      resends: true,
      localAddress: given.addresses ? `127.0.7.${number + 1}` : undefined,
      onEnd: (condition) => setTimeout(lost, stragglers, condition),
    });
    this.client = new Client({
      url: kind === 'caxl' ? given.url : `${given.url}/${jid}`,
      jid,
      password: `${name}-secret`,
      http: this.turns,
      onMessage: (from, body) => onMessage(body),
      onLost: lost,
    });
  }

  lost(why) {
    if (!this.leaving && !this.gone) {
      this.gone = true;
      const { sid, condition, failures } = this.turns;
      const last = [...this.turns.turns.values()].slice(-4).map(({ rid, log }) => ({ rid, log }));
      ended.push({ kind: this.kind, why, condition, sid, failures: failures.slice(-8), last });
    }
  }

  async leave() {
    this.leaving = true;
    this.turns.leaving = true;
    await Promise.race([this.client.logout().catch(() => {}), sleep(stragglers)]);
    this.client.close?.('');
    this.turns.close();
  }
}

class Pair {
  constructor(number) {
    this.directions = [0, 1].map(() => new Direction(Infinity));
    this.sent = new Map(); // when, by text
    this.users = [0, 1].map((me) => new User(2 * number + me, (body) => this.take(me, body)));
  }

  async login() {
    for (const user of this.users) {
      user.address = await user.client.login();
    }
  }

  take(me, body) {
    if (this.directions[1 - me].take(body)) {
      times.push(performance.now() - this.sent.get(body));
    }
  }

  get lost() {
    return this.users.some((user) => user.gone);
  }

  async talk(me, until) {
    await sleep(Math.random() * think);
    while (!this.lost && performance.now() < until) {
      const text = this.directions[me].next();
      this.sent.set(text, performance.now());
      this.users[me].client.send(this.users[1 - me].address, text);
      await sleep(think);
    }
    const patience = performance.now() + Number(given.patience) * 1000;
    const { seen, sent } = this.directions[me];
    while (!this.lost && seen.size < sent && performance.now() < patience) {
      await sleep(50);
    }
  }
}

console.error = () => {}; // what libraries tell is in the result as well
process.on('unhandledRejection', () => {}); // a library's promise that nobody waits for any more

const pairs = Array.from({ length: Number(given.pairs) }, (_, number) => new Pair(number));
await Promise.all(pairs.map((pair) => pair.login()));
process.stdout.write('talking\n');
const until = performance.now() + Number(given.seconds) * 1000;
await Promise.all(pairs.flatMap((pair) => [0, 1].map((me) => pair.talk(me, until))));
await sleep(stragglers);
const users = pairs.flatMap((pair) => pair.users);
await Promise.all(users.map((user) => user.leave()));
const directions = pairs.flatMap((pair) => pair.directions);
const total = (of) => directions.reduce((sum, one) => sum + of(one), 0);
const failures = {};
for (const { kind, turns } of users) {
  for (const { why } of turns.failures) {
    const what = `${kind}: ${why}`;
    failures[what] = (failures[what] ?? 0) + 1;
  }
}
times.sort((a, b) => a - b);
const time = (share) => Math.round(times[Math.floor(share * (times.length - 1))] * 10) / 10;
const result = {
  sessions: users.length,
  ended,
  sent: total((one) => one.sent),
  lost: total((one) => one.sent - one.seen.size),
  doubled: total((one) => one.wrong.doubled),
  disordered: total((one) => one.wrong.disordered),
  altered: total((one) => one.wrong.altered),
  ms: { median: time(0.5), p90: time(0.9), p99: time(0.99), most: time(1) },
  turns: users.reduce((sum, { turns }) => sum + turns.turns.size, 0),
  resent: users.reduce((sum, { turns }) => sum + turns.resent, 0),
  failures,
};
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
