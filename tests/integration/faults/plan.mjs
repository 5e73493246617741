// Which fault meets which request: a pure function of a seed and of the request's number at its
// gate, so that the same seed plans the same faults for any proxy. What a request carries when its
// turn comes is up to timing.

export const kinds = [
  'reset_early', // the connection is reset before the request is whole
  'reset_after', // reset when the request is whole, before any answer
  'reset_in_head', // reset within the answer's head
  'reset_in_body', // reset within the answer's body
  'truncate', // an orderly end within the answer
  'stall', // the request or its answer waits
  'half_close', // one direction ends after the request, the other goes on
  'dribble', // the request or its answer comes byte by byte
  'refuse', // this connection and all idle ones end; new ones are refused for a while
  'idle_close', // a kept-alive connection ends at the moment of its reuse
];

export const limits = {
  stallMost: 2000, // ms
  refusal: 500, // ms
  heldMost: 1500, // ms from a request until its reset: long enough to meet held polls
  dribbleMost: 400, // bytes that come one by one
};

// A refusal meets every client at once, so it comes less often than the faults of one connection.
const weight = (kind) => (kind === 'refuse' ? 0.2 : 1);

// Well spread 32-bit numbers from any two numbers (the finaliser of MurmurHash3).
function mixed(seed, number) {
  let hash = (seed ^ Math.imul(number + 1, 0x9e3779b1)) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

// Random numbers in [0, 1), the same ones for the same seed (mulberry32).
export function randomness(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value = (value + Math.imul(value ^ (value >>> 7), value | 61)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Plan {
  // `rate` is the part of the requests that meet a fault; `only` names some of the kinds.
  constructor({ seed, rate, only = kinds }) {
    Object.assign(this, { seed, rate, only });
    this.weights = only.reduce((sum, kind) => sum + weight(kind), 0);
  }

  // The fault for request `number`, or null: {kind, part, where, wait, reset}. `part` in [0, 1)
  // says how far into a message, `where` which one of the two, `wait` is in ms, `reset` tells a
  // reset from an orderly end.
  at(number) {
    const random = randomness(mixed(this.seed, number));
    if (random() >= this.rate) {
      return null;
    }
    const kind = this.choose(random() * this.weights);
    const part = random();
    const where = random() < 0.5 ? 'request' : 'answer';
    const reset = random() < 0.5;
    // Half of the resets come at once, the others while an answer may be held.
    const most =
      kind === 'stall' ? limits.stallMost : [30, limits.heldMost][Number(random() < 0.5)];
    return { kind, part, where, reset, wait: Math.ceil(random() * most) };
  }

  choose(share) {
    let left = share;
    return this.only.find((kind) => {
      left -= weight(kind);
      return left < 0;
    });
  }

  toString() {
    const first = Array.from({ length: 200 }, (_, number) => [number, this.at(number)])
      .filter(([, fault]) => fault)
      .slice(0, 8)
      .map(([number, { kind }]) => `${number} ${kind}`);
    const what = `seed ${this.seed}, rate ${this.rate}, ${this.only.length} kinds`;
    return this.rate > 0 ? `${what}: ${first.join(', ')}, ...` : 'no faults';
  }
}
