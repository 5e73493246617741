// HTTP for one BOSH client of the conservation test: what HttpClient does, and it knows rids. Every
// rid is one turn; a turn may take several requests, because the client's library repeats what
// failed.
//
// XEP-0124 8 has a client take answers in the order of its requests, and 14.2 wants that across
// repeats as well. Strophe, stanza and CAXL take them as they come, so the message of a repeated
// request would seem to overtake a later one, whatever stands between client and node. Here an
// answer waits until every earlier turn has its answer or was given up.

import http from 'node:http';

const connectionsPerOrigin = 6; // what browsers allow over HTTP/1.1
const startTag = /<(?:\w+:)?body[^>]*>/;

export class Turns {
  // `onEnd` hears of the answer that ends the session; stanza itself says nothing while a stanza
  // waits to be sent.
  // `localAddress`: that connections leave from.
  // `resends`: what breaks on a connection that had served before is sent again at once, unseen by
  // the library, as browsers do: connections end while they idle.
  constructor({ pace = 0, onEnd = () => {}, resends = false, localAddress } = {}) {
    this.onEnd = onEnd;
    this.resends = resends;
    this.resent = 0;
    this.agent = new http.Agent({
      keepAlive: true,
      maxSockets: connectionsPerOrigin,
      noDelay: true,
      localAddress,
    });
    this.pace = pace; // least time between two requests, in ms
    this.next = 0;
    this.turns = new Map(); // by rid
    this.inOrder = []; // the turns that are not settled, by rid
    this.failures = []; // what the client saw besides answers: {rid, why}
    this.inARow = 0; // failures since the last good answer
    this.sid = '';
    this.condition = undefined; // of the answer that ended the session
    this.leaving = false; // what fails from now on tells nothing
  }

  turn(rid) {
    let turn = this.turns.get(rid);
    if (!turn) {
      turn = { rid, attempts: 0, deliveries: [], settled: false, abandoned: false, log: [] };
      this.turns.set(rid, turn);
      this.inOrder.push(turn);
      this.inOrder.sort((a, b) => a.rid - b.rid);
    }
    return turn;
  }

  // Calls onAnswer(status, text) or onFailure(error), once. Returns a function that aborts without
  // either.
  post(url, headers, body, onAnswer, onFailure) {
    const bytes = Buffer.from(body, 'utf8');
    const rid = Number(/\srid=["'](\d+)["']/.exec(startTag.exec(body)[0])[1]);
    const turn = this.turn(rid);
    turn.attempts += 1;
    turn.body = body;
    turn.log.push([Date.now(), 'asked']);
    let open = true;
    const settle = () => {
      const was = open;
      open = false;
      return was;
    };
    const fail = (why) => {
      if (settle()) {
        this.failed(turn, why);
        onFailure(new Error(why));
      }
    };
    let deliver = () => {};
    let request;
    let left = false;
    const prepare = () => {
      request = http.request(url, {
        method: 'POST',
        agent: this.agent,
        headers: { ...headers, 'Content-Length': bytes.length },
      });
      request.on('error', (error) => {
        if (open && this.resends && request.reusedSocket && error.code === 'ECONNRESET') {
          this.resent += 1;
          turn.log.push([Date.now(), 'sent again']);
          prepare();
          if (left) {
            request.end(bytes);
          }
          return;
        }
        fail(error.code ?? error.message);
      });
      request.on('response', (answer) => {
        const parts = [];
        answer.on('data', (part) => parts.push(part));
        answer.on('error', (error) => fail(error.code ?? error.message));
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8');
          deliver = () => settle() && onAnswer(answer.statusCode, text);
          this.answered(turn, answer.statusCode, text, deliver);
        });
      });
    };
    prepare();
    const now = performance.now();
    const leaves = Math.max(now, this.next);
    this.next = leaves + this.pace;
    const timer = setTimeout(() => {
      left = true;
      request.end(bytes);
    }, leaves - now);
    return () => {
      clearTimeout(timer);
      if (settle()) {
        turn.deliveries = turn.deliveries.filter((one) => one !== deliver);
        this.failed(turn, 'given up while open');
        request.destroy();
      }
    };
  }

  failed(turn, why) {
    turn.log.push([Date.now(), why]);
    if (!this.leaving && !turn.settled && turn.deliveries.length === 0) {
      this.failures.push({ rid: turn.rid, why });
      this.inARow += 1;
    }
  }

  answered(turn, status, text, deliver) {
    if (status !== 200) {
      this.failed(turn, `HTTP ${status}`);
      deliver();
      return;
    }
    const root = startTag.exec(text)?.[0] ?? '';
    this.sid = /\ssid=["'](.*?)["']/.exec(root)?.[1] ?? this.sid;
    this.inARow = 0;
    if (/\stype=["']terminate["']/.test(root)) {
      this.condition ??= /\scondition=["'](.*?)["']/.exec(root)?.[1] ?? 'none';
      turn.log.push([Date.now(), `terminated: ${this.condition}`]);
      deliver();
      this.onEnd(this.condition);
      return;
    }
    turn.log.push([Date.now(), `answered with ${text.length} characters`]);
    turn.deliveries.push(deliver);
    this.flush();
    if (turn.settled) {
      turn.deliveries.splice(0).forEach((one) => one()); // of a copy that was thought lost
    }
  }

  // For a client that will never ask for this turn again.
  abandon(rid) {
    this.turn(rid).abandoned = true;
    this.flush();
  }

  flush() {
    while (this.inOrder[0]?.deliveries.length > 0 || this.inOrder[0]?.abandoned) {
      const turn = this.inOrder.shift();
      turn.settled = true;
      turn.deliveries.splice(0).forEach((deliver) => deliver());
    }
  }

  get abandoned() {
    return [...this.turns.values()].filter((turn) => turn.abandoned);
  }

  close() {
    this.leaving = true;
    this.agent.destroy();
  }
}
