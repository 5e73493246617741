// A gate that relays HTTP between one side that asks and one that answers, and breaks it as a plan
// says. It runs as a process of its own:
//
//   gate.mjs --listen HOST:PORT --to HOST:PORT --seed N --rate R [--kinds K,K] [--raw]
//
// The parent speaks with it by messages: it hears {port} once the gate listens, sends {ask: NAME,
// arguments, id} and gets {id, result}. --raw relays bytes without looking for HTTP, for TLS:
// whatever is read at once then counts as one message.

import net from 'node:net';
import { parseArgs } from 'node:util';

import { History } from './history.mjs';
import { Plan, kinds, limits } from './plan.mjs';

const headEnd = Buffer.from('\r\n\r\n');
const halfOpen = 300; // ms a connection stays half closed

// Cuts messages with a Content-Length off the front of what was read.
class Framer {
  constructor(raw) {
    this.raw = raw;
    this.rest = Buffer.alloc(0);
  }

  push(bytes) {
    this.rest = Buffer.concat([this.rest, bytes]);
  }

  // {bytes, head}: a whole message and the length of its head; null while there is none.
  shift() {
    const end = this.raw ? 0 : this.rest.indexOf(headEnd);
    if (this.rest.length === 0 || end < 0) {
      return null;
    }
    const head = this.raw ? 0 : end + headEnd.length;
    const fields = this.rest.toString('latin1', 0, head);
    const length = this.raw
      ? this.rest.length
      : head + Number(/\r\ncontent-length: *(\d+)/i.exec(fields)?.[1] ?? 0);
    if (this.rest.length < length) {
      return null;
    }
    const bytes = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    return { bytes, head };
  }
}

// One connection of the asking side, and the one to the answering side that belongs to it.
class Relay {
  constructor(gate, down) {
    Object.assign(this, { gate, down });
    this.up = net.connect({ ...gate.target, allowHalfOpen: true, noDelay: true });
    this.requests = new Framer(gate.raw);
    this.answers = new Framer(gate.raw);
    this.served = 0;
    this.pending = null; // the request whose answer is awaited: {sid, rid, fault}
    this.doomed = null; // the fault that the next request on this connection meets
    this.over = false;
    down.setNoDelay(true);
    down.on('data', (bytes) => this.fromDown(bytes));
    this.up.on('data', (bytes) => this.fromUp(bytes));
    // What one side does to its connection, the other side gets to see. Who asked may close its
    // half and still wait.
    down.on('end', () => this.askerLeft());
    this.up.on('end', () => this.finish('answerer', 'end'));
    down.on('error', () => this.finish('asker', 'resetAndDestroy'));
    this.up.on('error', () => this.finish('answerer', 'resetAndDestroy'));
    down.on('close', () => this.finish('asker', 'destroy'));
    this.up.on('close', () => this.finish('answerer', 'end'));
  }

  get idle() {
    return !this.pending && this.requests.rest.length === 0;
  }

  // Ends both connections: 'resetAndDestroy', 'destroy' or 'end'.
  finish(by, how) {
    if (this.over) {
      return;
    }
    this.over = true;
    this.gate.relays.delete(this);
    this.gate.history.note(this.pending, 'cut', { by: this.pending?.left ?? by });
    this.pending = null;
    for (const socket of [this.down, this.up]) {
      socket[how]();
      // Whoever does not answer an orderly end shall not keep the connection for ever.
      socket.setTimeout(halfOpen, () => socket.destroy());
    }
  }

  askerLeft() {
    if (this.pending && !this.over) {
      this.pending.left ??= 'asker';
      this.up.end();
    } else {
      this.finish('asker', 'end');
    }
  }

  break(fault, how = 'resetAndDestroy') {
    this.gate.count(fault);
    this.finish(fault.kind, how);
  }

  // ---- requests ----

  fromDown(bytes) {
    if (this.over) {
      return;
    }
    this.requests.push(bytes);
    for (
      let request = this.requests.shift();
      request && !this.over;
      request = this.requests.shift()
    ) {
      this.request(request);
    }
  }

  request({ bytes, head }) {
    const identity = this.gate.raw ? {} : this.gate.history.identify(bytes.subarray(head));
    const planned = this.gate.next();
    const fault = this.doomed ?? planned;
    if (fault?.kind === 'idle_close') {
      if (this.served > 0) {
        this.break(fault, fault.reset ? 'resetAndDestroy' : 'end');
        return;
      }
      this.doomed = fault;
    }
    this.served += 1;
    const active = fault?.kind === 'idle_close' ? null : fault;
    this.pending = { ...identity, fault: active };
    this.forward(bytes, active);
  }

  forward(bytes, fault) {
    const enter = () => this.enter(bytes);
    switch (fault?.kind) {
      case 'reset_early':
        this.up.write(bytes.subarray(0, Math.floor(fault.part * bytes.length)));
        // The part must get there before the reset.
        this.later(5, () => this.break(fault));
        break;
      case 'reset_after':
        enter();
        this.later(fault.wait, () => this.break(fault));
        break;
      case 'half_close':
        enter();
        this.halfClose(fault);
        break;
      case 'refuse':
        this.break(fault);
        this.gate.refuse();
        break;
      case 'stall':
      case 'dribble':
        if (fault.where === 'request') {
          this.gate.history.note(this.pending, 'slowed');
          this.slowly(this.up, bytes, fault, () => this.entered(bytes));
        } else {
          enter();
        }
        break;
      default:
        enter();
    }
  }

  enter(bytes) {
    this.up.write(bytes);
    this.entered(bytes);
  }

  entered(bytes) {
    this.gate.history.entered(this.pending, bytes);
  }

  halfClose(fault) {
    this.gate.count(fault);
    this.pending.left = fault.kind;
    if (fault.where === 'request') {
      this.up.end(); // the answering side may still answer
      return;
    }
    // The asking side may still send, and gets no answer.
    this.down.end();
    this.pending.mute = true;
    this.later(halfOpen, () => this.finish(fault.kind, 'end'));
  }

  // ---- answers ----

  fromUp(bytes) {
    if (this.over) {
      return;
    }
    this.answers.push(bytes);
    for (let answer = this.answers.shift(); answer && !this.over; answer = this.answers.shift()) {
      this.answer(answer);
    }
  }

  answer({ bytes, head }) {
    const fault = this.pending?.fault;
    const body = bytes.length - head;
    const cut = {
      reset_in_head: Math.floor(fault?.part * head),
      truncate: Math.floor(fault?.part * bytes.length),
      reset_in_body: head + Math.floor(fault?.part * body),
    }[fault?.kind];
    if (this.pending?.mute || fault?.kind === 'reset_after') {
      return; // it comes too late
    }
    if (cut !== undefined) {
      this.down.write(bytes.subarray(0, cut));
      const how = fault.kind === 'truncate' ? 'end' : 'resetAndDestroy';
      this.later(5, () => this.break(fault, how));
    } else if (fault?.where === 'answer' && ['stall', 'dribble'].includes(fault.kind)) {
      this.slowly(this.down, bytes, fault, () => this.answered(bytes));
    } else {
      this.down.write(bytes);
      this.answered(bytes);
    }
  }

  answered(bytes) {
    if (!this.gate.raw) {
      this.gate.history.answered(this.pending, bytes);
    }
    this.pending = null;
  }

  // ---- slowness ----

  later(wait, action) {
    setTimeout(() => this.over || action(), wait);
  }

  slowly(socket, bytes, fault, done) {
    this.gate.count(fault);
    if (fault.kind === 'stall') {
      this.later(fault.wait, () => {
        socket.write(bytes);
        done();
      });
      return;
    }
    let sent = 0;
    const step = () => {
      const most = sent < limits.dribbleMost ? sent + 1 : bytes.length;
      socket.write(bytes.subarray(sent, most));
      sent = most;
      if (sent < bytes.length) {
        setImmediate(() => this.over || step());
      } else {
        done();
      }
    };
    step();
  }
}

class Gate {
  constructor({ listen, to, seed, rate, only, raw }) {
    Object.assign(this, { listen, target: to, raw });
    this.plan = new Plan({ seed, rate, only });
    this.requests = 0;
    this.counts = Object.fromEntries(kinds.map((kind) => [kind, 0]));
    this.history = new History();
    this.relays = new Set();
    this.calm = false;
    this.server = net.createServer({ allowHalfOpen: true }, (down) =>
      this.relays.add(new Relay(this, down)),
    );
    // Somebody's outgoing connection may have taken the port while nobody listened there.
    this.server.on('error', () => setTimeout(() => this.server.listen(this.listen), 20));
  }

  start() {
    return new Promise((resolve) => {
      this.server.listen(this.listen, () => {
        this.listen.port = this.server.address().port;
        resolve(this.listen.port);
      });
    });
  }

  next() {
    this.requests += 1;
    return this.calm ? null : this.plan.at(this.requests - 1);
  }

  count({ kind }) {
    this.counts[kind] += 1;
  }

  refuse() {
    [...this.relays]
      .filter((relay) => relay.idle)
      .forEach((relay) => relay.finish('refuse', 'end'));
    if (this.server.listening) {
      this.server.close();
      setTimeout(() => this.server.listen(this.listen), limits.refusal);
    }
  }
}

// What the parent may ask.
const questions = (gate) => ({
  plan: () => String(gate.plan),
  history: (sid) => gate.history.of(sid),
  carriers: (messages) => messages.map((message) => gate.history.carriers.get(message) ?? []),
  counts: () => ({
    requests: gate.requests,
    faults: gate.counts,
    overtakings: gate.history.overtakings,
  }),
  // No more faults: clients say good-bye.
  calm: () => {
    gate.calm = true;
  },
});

function endpoint(text) {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}

const { values } = parseArgs({
  options: {
    listen: { type: 'string' },
    to: { type: 'string' },
    seed: { type: 'string' },
    rate: { type: 'string' },
    kinds: { type: 'string', default: kinds.join() },
    raw: { type: 'boolean', default: false },
  },
});
const gate = new Gate({
  listen: endpoint(values.listen),
  to: endpoint(values.to),
  seed: Number(values.seed),
  rate: Number(values.rate),
  only: values.kinds.split(','),
  raw: values.raw,
});
const answers = questions(gate);
process.on('message', ({ id, ask, given }) => {
  process.send({ id, result: answers[ask](...given) });
});
process.on('disconnect', () => process.exit());
process.send({ port: await gate.start() });
