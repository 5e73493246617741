// Why a session ended and why a message is missing, from what the client and the two gates saw.
//
// Three parties can be at fault, and each is counted apart: whoever stands between the gates; the
// client, whose library gave up; and the node. Prosody 0.12 has three defects that no order of
// repeats can always avoid:
//   forgotten poll  A held poll N loses its link, and N+1 arrives before the repeat of N. The
//                   repeat is refused with item-not-found. To be avoided by repeating N before
//                   anything newer is written, unless N+1 was on its way already when the link
//                   broke, or a gate slowed the repeat down: then it `raced`.
//   dead deferral   N+1 overtakes N and is deferred, its link breaks, then N arrives. The dead
//                   request takes the next answer with it. It `raced` when a gate had slowed N
//                   down, which nobody can see.
//   dead copy       The link of N breaks while N is on its way, and the node reads the repeat of N
//                   before N itself. It answers the repeat without data, holds the dead N, and
//                   gives it the next data, which a repeat of N could fetch, but nobody asks again.
//                   It always raced.

import { kinds as faults } from './plan.mjs';

// Sanitized code takes more time to notice.
const onItsWay = 30 * Number(process.env.PATIENCE ?? 1); // ms
const lifetime = 3000; // ms within which a dead request that the node holds takes the next data
const patienceOf = { strophe: 5, caxl: 4 }; // failures in a row that end the stream
const stanzaAttempts = 5; // for one request

// {rid, raced} of a poll that the node forgot, by what passed the gate before it; or null.
export function forgottenPoll(events) {
  const refused = events.findLast(
    ({ what, condition }) => what === 'answered' && condition === 'item-not-found',
  );
  const mine = events.filter(({ rid }) => rid === refused?.rid);
  const cut = mine.find(({ what }) => what === 'cut');
  const entries = mine.filter(({ what }) => what === 'entered');
  const newer = events.find(({ rid, what }) => rid === refused?.rid + 1 && what === 'entered');
  if (!cut || entries.length < 2 || !newer || newer.at > entries.at(-1).at) {
    return null;
  }
  // The repeat was on its way before the newer request, and a gate slowed it down.
  const slowed = mine.some(({ at, what }) => what === 'slowed' && at >= cut.at && at <= newer.at);
  const soon = newer.at < cut.at + onItsWay;
  return { rid: refused.rid, raced: faults.includes(cut.by) && (soon || slowed) };
}

// When each rid entered first.
function firstEntries(events) {
  const entered = new Map();
  for (const { at, rid, what } of events) {
    if (what === 'entered' && !entered.has(rid)) {
      entered.set(rid, at);
    }
  }
  return entered;
}

// [{at, rid, raced}] of deferred requests that died before their predecessors were read.
export function deadDeferrals(events) {
  const entered = firstEntries(events);
  const slowed = new Set(events.filter(({ what }) => what === 'slowed').map(({ rid }) => rid));
  return events
    .filter(({ at, rid, what }) => {
      const before = entered.get(rid - 1);
      // What was written at the same time may have been read in the other order.
      return (
        what === 'cut' &&
        at >= entered.get(rid) &&
        before > entered.get(rid) - onItsWay &&
        before > at - 2 * onItsWay
      );
    })
    .map(({ at, rid, by }) => ({ at, rid, raced: slowed.has(rid - 1) && faults.includes(by) }));
}

// [{at, rid, raced}] of requests whose repeat came so soon that it may have been read first.
export function deadCopies(events) {
  const entered = new Map(); // when each rid entered last
  const found = [];
  for (const { at, rid, what } of events) {
    if (what === 'entered') {
      if (at - entered.get(rid) < onItsWay) {
        found.push({ at, rid, raced: true });
      }
      entered.set(rid, at);
    }
  }
  return found;
}

function ranOut(kind, turns, why) {
  if (kind === 'caxl' && why.startsWith('service-unavailable')) {
    return true; // its own count, which a late answer does not reset
  }
  return kind === 'stanza'
    ? [...turns.turns.values()].some(
        ({ settled, attempts }) => !settled && attempts >= stanzaAttempts,
      )
    : turns.inARow >= patienceOf[kind];
}

// {by, cause}: `by` is client, node or proxy.
export async function whyEnded({ kind, turns, why }, gates) {
  const { condition, sid } = turns;
  if (condition === undefined) {
    const last = turns.failures.at(-1)?.why ?? '';
    if (kind === 'strophe' && /^HTTP 4/.test(last)) {
      return { by: 'proxy', cause: last };
    }
    return ranOut(kind, turns, why)
      ? { by: 'client', cause: `its repeats ran out: ${last}` }
      : { by: 'proxy', cause: why };
  }
  const asked = await gates.clients.ask('history', sid);
  const arrived = new Set(asked.filter(({ what }) => what === 'entered').map(({ rid }) => rid));
  if (turns.abandoned.some(({ rid }) => !arrived.has(rid))) {
    return { by: 'client', cause: 'gave up a request that had not arrived' };
  }
  const events = await gates.nodes.ask('history', sid);
  const forgotten = forgottenPoll(events);
  if (forgotten) {
    return forgotten.raced
      ? { by: 'node', cause: 'forgotten poll' }
      : { by: 'proxy', cause: 'forgotten poll: a newer request was written after the break' };
  }
  const told = events.some(({ condition: said }) => said === condition);
  return { by: 'proxy', cause: `terminate ${condition}, ${told ? 'said by the node' : 'its own'}` };
}

// Whether the client itself gave up what would have brought the message.
function clientGaveUp(message, { carriers, came, from, to, received }) {
  const givenUp = to.turns.abandoned.map(({ rid }) => rid);
  // What the node wrote into a link that was gone by then, nobody saw: only a repeat would have
  // brought it.
  const answered = new Set(
    received.filter(({ what }) => what === 'answered').map(({ rid }) => rid),
  );
  return (
    from.turns.abandoned.some(({ body }) => body.includes(`#${message}#`)) ||
    came.some(({ rid }) => givenUp.includes(rid)) ||
    (carriers.length > 0 && came.length === 0 && givenUp.some((rid) => !answered.has(rid)))
  );
}

// The dead requests that the node may have given the message to, after it had come in.
function swallowers({ carriers, came, sent, received }) {
  const request = carriers.find((one) => one.in === 'request');
  const { at } = sent.findLast(({ rid, what }) => rid === request?.rid && what === 'entered') ?? {};
  return [...deadDeferrals(received), ...deadCopies(received)].filter(
    (dead) => came.length === 0 && at > dead.at - lifetime && at < dead.at + lifetime,
  );
}

// How many of the `missing` messages from one client to the other are whose fault.
export async function whyMissing(missing, from, to, gates) {
  const fault = { proxy: [], client: 0, node: 0 };
  const carriersOf = await gates.nodes.ask('carriers', missing);
  const sent = await gates.nodes.ask('history', from.turns.sid);
  const received = await gates.nodes.ask('history', to.turns.sid);
  for (const [index, message] of missing.entries()) {
    const carriers = carriersOf[index];
    const came = carriers.filter((one) => one.in === 'answer' && one.sid === to.turns.sid);
    const known = { carriers, came, from, to, sent, received };
    const dead = swallowers(known);
    if (clientGaveUp(message, known)) {
      fault.client += 1;
    } else if (dead.length > 0 && dead.every(({ raced }) => raced)) {
      fault.node += 1;
    } else {
      const died = dead.length > 0 ? ', given to a dead request' : '';
      fault.proxy.push(`${message} (${whereabouts(carriers, came, to.turns)}${died})`);
    }
  }
  return fault;
}

// How far a missing message came.
function whereabouts(carriers, came, turns) {
  if (came.length > 0) {
    const states = came.map(({ rid }) => {
      const { attempts, settled } = turns.turns.get(rid);
      const fate = settled ? 'answered' : 'without an answer';
      return `rid ${rid}, asked for ${attempts} times, ${fate}`;
    });
    return `the node gave it: ${states.join('; ')}`;
  }
  return carriers.length > 0 ? 'the node has it' : 'it did not reach the node';
}
