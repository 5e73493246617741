// The load of the conservation test: clients in pairs log in through a fault gate, a proxy and
// another fault gate, and send each other numbered messages at the pace of people in a hurry.
// Prints what became of messages, turns and sessions.
//
//   talk.mjs --seed N --clients N --messages N --node HOST:PORT --gates HOST
//            [--node-rate R] [--client-rate R] [--kinds K,K] [--think MS] [--wait S] [--patience S]
//            [--pace MS] [--path P] [--traces DIR]
//
// The rates are the parts of the requests that meet a fault on each side. It speaks with its parent
// in lines of JSON: says {"nodeGate": PORT} once that gate listens, reads {"proxy": "HOST:PORT"}
// when the proxy in front of it runs, and ends with {"result": ...}.

import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { CaxlClient } from '../clients/caxl_client.mjs';
import { StanzaClient } from '../clients/stanza_client.mjs';
import { StropheClient } from '../clients/strophe_client.mjs';
import { GateProcess } from './gate_process.mjs';
import { whyEnded, whyMissing } from './judge.mjs';
import { Direction } from './numbered.mjs';
import { kinds as faultKinds, randomness } from './plan.mjs';
import { Turns } from './turns.mjs';

const clients = [
  ['strophe', StropheClient],
  ['stanza', StanzaClient],
  ['caxl', CaxlClient],
];
const window = 20; // messages of one client that may be on their way
const talksMost = 12; // of one pair: after a lost session it logs in again
const loginPatience = 60_000; // ms
const goodbyePatience = 2_000; // ms
const stragglers = 300; // ms in which a doubled message may still come

// What happened, for the table.
const tally = {
  turns: 0,
  failures: [],
  sessions: 0,
  ended: [],
  messages: 0,
  arrived: 0,
  lost: { proxy: [], client: 0, node: 0, withSession: 0 },
  wrong: { doubled: 0, disordered: 0, altered: 0, echoed: 0 },
  overtakenAnswers: 0,
};

// One client's session: its library, its turns, and how it ended.
class Session {
  constructor(place, number, onMessage) {
    const [kind, Client] = clients[number % clients.length];
    const user = `user${number + 1}`;
    this.kind = kind;
    const onEnd = (condition) => setTimeout(() => this.lost(condition), stragglers);
    this.turns = new Turns({ pace: place.pace, onEnd });
    this.over = new Promise((resolve) => {
      this.lost = (why) => {
        if (!this.leaving) {
          resolve({ session: this, why: String(why) });
        }
      };
    });
    this.client = new Client({
      url: place.url,
      jid: `${user}@example.com`,
      password: `${user}-secret`,
      wait: place.wait,
      http: this.turns,
      onMessage: (from, body) => onMessage(body),
      onLost: this.lost,
    });
    tally.sessions += 1;
  }

  async login() {
    const late = sleep(loginPatience, null, { ref: false }).then(() => {
      throw new Error('login took too long');
    });
    this.address = await Promise.race([this.client.login(), late]);
  }

  async leave(gently) {
    this.leaving = true;
    this.turns.leaving = true;
    tally.turns += this.turns.turns.size;
    tally.failures.push(...this.turns.failures.map(({ why }) => `${this.kind}: ${why}`));
    const bye = gently ? this.client.logout() : sleep(0);
    await Promise.race([bye.catch(() => {}), sleep(goodbyePatience)]);
    this.client.close?.('');
    this.turns.close();
  }
}

// Two sessions and what they have to say to each other.
class Talk {
  constructor(place, pair, counts, random) {
    Object.assign(this, { place, pair, random });
    this.directions = counts.map((count) => new Direction(count));
    this.sessions = [0, 1].map(
      (me) =>
        new Session(place, 2 * pair + me, (body) => {
          if (this.directions[1 - me].take(body)) {
            this.progress = performance.now();
          } else if (this.directions[me].isMine(body)) {
            // ejabberd sends a held request back when it was repeated.
            this.directions[me].wrong.echoed += 1;
          }
        }),
    );
  }

  // Resolves to what ended it: 'done', 'stuck', or {session, why, stage}.
  async run() {
    const over = this.sessions.map((session) => session.over);
    let stage = 'login';
    try {
      await Promise.race([
        Promise.all(this.sessions.map((session) => session.login())),
        ...over.map((each) => each.then((end) => Promise.reject(end))),
      ]);
      stage = 'talk';
      this.progress = performance.now();
      this.sessions.forEach((session, me) => this.speak(session, me));
      const end = await Promise.race([this.watch(), ...over]);
      return end.session ? { ...end, stage } : end;
    } catch (end) {
      const failed = this.sessions.find((session) => session.turns.condition) ?? this.sessions[0];
      return { session: end.session ?? failed, why: end.why ?? end.message, stage };
    } finally {
      this.quiet = true;
    }
  }

  async speak(session, me) {
    const mine = this.directions[me];
    while (!this.quiet && mine.sent < mine.count) {
      if (mine.sent - mine.last < window) {
        session.client.send(this.sessions[1 - me].address, mine.next());
      }
      await sleep(-Math.log(1 - this.random()) * this.place.think);
    }
  }

  // Ends when every last message is there, or nothing comes any more.
  async watch() {
    for (;;) {
      if (this.directions.every(({ last, count }) => last === count)) {
        await sleep(stragglers);
        return 'done';
      }
      if (performance.now() - this.progress > this.place.patience) {
        return 'stuck';
      }
      await sleep(50);
    }
  }

  async judge(end, gates) {
    for (const [me, direction] of this.directions.entries()) {
      tally.messages += direction.sent;
      tally.arrived += direction.seen.size;
      Object.keys(tally.wrong).forEach((what) => {
        tally.wrong[what] += direction.wrong[what];
      });
      const { missing } = direction;
      if (end.session) {
        tally.lost.withSession += missing.length;
      } else if (missing.length > 0) {
        const [from, to] = [this.sessions[me], this.sessions[1 - me]];
        const fault = await whyMissing(missing, from, to, gates);
        tally.lost.client += fault.client;
        tally.lost.node += fault.node;
        if (fault.proxy.length > 0) {
          await trace(this.place, this.pair, this.sessions, { end, missing }, gates);
        }
        tally.lost.proxy.push(...fault.proxy.map((one) => `${from.kind} to ${to.kind}: ${one}`));
      }
    }
    const failures = this.sessions.flatMap(({ turns }) => turns.failures);
    if (end.session || (failures.length > 0 && !this.place.clientFaults)) {
      const about = { failures, why: end.why, kind: end.session?.kind };
      await trace(this.place, this.pair, this.sessions, about, gates);
    }
    if (end.session) {
      const { session, why, stage } = end;
      const verdict = await whyEnded({ kind: session.kind, turns: session.turns, why }, gates);
      tally.ended.push({ ...verdict, kind: session.kind, stage });
    }
  }
}

// What the clients and the gates saw of a talk.
async function trace({ traces, seed }, pair, sessions, about, gates) {
  if (!traces) {
    return;
  }
  const seen = await Promise.all(
    sessions.map(async ({ kind, turns }) => ({
      kind,
      sid: turns.sid,
      turns: [...turns.turns.values()],
      clientGate: await gates.clients.ask('history', turns.sid),
      nodeGate: await gates.nodes.ask('history', turns.sid),
    })),
  );
  const text = JSON.stringify({ ...about, seen }, null, 1);
  await writeFile(`${traces}/talk-${seed}-${pair}-${Date.now()}.json`, text);
}

async function converse(place, pair, count, gates) {
  const random = randomness(place.seed * 1000 + pair);
  let left = [count, count];
  await sleep(random() * 500);
  for (let talks = 0; talks < talksMost && left.some((one) => one > 0); talks += 1) {
    const talk = new Talk(place, pair, left, random);
    const end = await talk.run();
    await Promise.all(talk.sessions.map((session) => session.leave(end === 'done')));
    await talk.judge(end, gates);
    left = talk.directions.map((direction) => direction.count - direction.sent);
  }
}

function options() {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      clients: { type: 'string' },
      messages: { type: 'string' },
      node: { type: 'string' },
      gates: { type: 'string' },
      path: { type: 'string', default: '/node-a1' },
      'node-rate': { type: 'string', default: '0' },
      'client-rate': { type: 'string', default: '0' },
      kinds: { type: 'string', default: faultKinds.join() },
      think: { type: 'string', default: '150' },
      wait: { type: 'string' },
      patience: { type: 'string', default: '150' },
      pace: { type: 'string', default: '0' },
      traces: { type: 'string' },
    },
  });
  return values;
}

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

// What libraries tell the console is in the tally as well.
console.error = () => {};

// A library's promise that nobody waits for any more tells nothing that its session's end doesn't.
process.on('unhandledRejection', (error) => console.error(error));

const given = options();
const listen = `${given.gates}:0`;
const { seed, kinds } = given;
const nodes = await GateProcess.start({
  listen,
  to: given.node,
  seed,
  kinds,
  rate: given['node-rate'],
});
say({ nodeGate: nodes.port });
const [line] = await once(createInterface({ input: process.stdin }), 'line');
// Another seed, or both gates would break the same requests.
const front = await GateProcess.start({
  listen,
  to: JSON.parse(line).proxy,
  seed: Number(seed) + 1,
  kinds,
  rate: given['client-rate'],
});
const gates = { nodes, clients: front };
say({ plans: { node: await nodes.ask('plan'), clients: await front.ask('plan') } });
const place = {
  url: `http://${given.gates}:${front.port}${given.path}`,
  seed: Number(seed),
  traces: given.traces,
  clientFaults: Number(given['client-rate']) > 0,
  think: Number(given.think),
  pace: Number(given.pace),
  wait: given.wait && Number(given.wait),
  patience: Number(given.patience) * 1000,
};
const pairs = Math.floor(Number(given.clients) / 2);
const each = Math.ceil(Number(given.messages) / pairs / 2);
const began = performance.now();
const clock = setInterval(() => {
  const { messages, arrived, ended } = tally;
  say({
    progress: {
      seconds: Math.round((performance.now() - began) / 1000),
      messages,
      arrived,
      ended: ended.length,
    },
  });
}, 10_000);
await Promise.all(Array.from({ length: pairs }, (_, pair) => converse(place, pair, each, gates)));
clearInterval(clock);
const seconds = (performance.now() - began) / 1000;
const gateCounts = { node: await nodes.ask('counts'), clients: await front.ask('counts') };
say({
  result: { ...tally, unsaid: 2 * pairs * each - tally.messages, seconds, gates: gateCounts },
});
nodes.end();
front.end();
process.exit(0);
